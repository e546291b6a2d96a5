"""A broker that is away for a while delays a report and loses nothing."""

import time

import pytest

from tests.endtoend.learner import Learner, zip_of
from tests.endtoend.stack import running_stack, wait_for
from tests.servers import free_port, redis_server

pytestmark = [pytest.mark.endtoend, pytest.mark.redis]


def test_redis_goes_and_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    folder = tmp_path_factory.mktemp("redis-away")
    with running_stack(folder, REDIS_URL=url) as stack, Learner(stack.url) as learner:
        seeded = stack.control("seed", slug="patient")
        with redis_server(port):
            learner.sign_in(seeded["learner"], seeded["password"])
            stack.start_worker()
            first = learner.hand_in("patient", zip_of({"app.py": b"1"}))
            wait_for(
                lambda: not learner.status(first)["state"]["is_open"],
                seconds=60,
                what="the first report",
                stack=stack,
            )
        started = time.monotonic()
        second = learner.hand_in("patient", zip_of({"app.py": b"2"}))
        assert time.monotonic() - started < 15
        assert learner.status(second)["state"]["status"] == "queued"
        with redis_server(port):
            wait_for(
                lambda: not learner.status(second)["state"]["is_open"],
                seconds=90,
                what="the second report",
                stack=stack,
            )
        assert learner.status(second)["state"]["status"] == "decided", stack.logs()
        assert len(stack.control("state", submission=second)) == 1
