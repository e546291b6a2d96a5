"""Warm containers: taken, recorded, the same as cold ones, gone afterwards, and never missed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from backpath.execution.docker_engine import LABEL_OWNER, LABEL_ROLE, DockerEngine
from backpath.execution.outcome import RunOutcome
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import make_app, make_grader, make_manifest, make_request

pytestmark = pytest.mark.docker

HEALTH = make_grader(
    """
    @check("a.one")
    def test_one(service):
        service.get("/").expect_status(200)
    """
)
TELL = make_grader(
    """
    @check("a.one")
    def test_one(service):
        fail(service.get("/tell").text)
    """
)


@pytest.fixture
def owner() -> str:
    return f"tests-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_engine(owner, docker_client) -> Iterator[Callable[..., DockerEngine]]:
    """Make engines of one owner; afterwards nothing of theirs may be left."""
    engines: list[DockerEngine] = []

    def make(**options) -> DockerEngine:
        engines.append(DockerEngine.from_settings(owner=owner, **({"pool_size": 1} | options)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
    assert containers_of(docker_client, owner) == []


def containers_of(client: docker.DockerClient, owner: str, role: str | None = None) -> list:
    labels = [f"{LABEL_OWNER}={owner}"] + ([f"{LABEL_ROLE}={role}"] if role else [])
    return client.containers.list(all=True, filters={"label": labels})


def grade(engine: DockerEngine, app=None, grader=HEALTH, **options) -> RunOutcome:
    manifest = make_manifest(options.pop("ids", ["a.one"]), **options)
    request = make_request(app=app or make_app(), grader=grader, manifest=manifest)
    return engine.run(request, on_event=lambda _event: None, should_stop=lambda: False)


def warmed(engine: DockerEngine, **options) -> DockerEngine:
    """Have the pool learn of this profile and fill up."""
    grade(engine, **options)
    assert engine.wait_until_warm(60)
    return engine


def test_the_first_run_is_cold_the_next_is_warm_and_both_say_so(make_engine):
    engine = make_engine()

    assert grade(engine).origin == "cold"
    assert engine.wait_until_warm(60)
    outcome = grade(engine)

    assert outcome.origin == "warm"
    assert outcome.status == "completed"
    assert by_id(outcome)["a.one"].outcome == "passed"


def test_a_warm_container_serves_one_run_and_goes(make_engine, docker_client, owner):
    engine = warmed(make_engine())
    (before,) = containers_of(docker_client, owner, "app")

    grade(engine)
    engine.settle()
    assert engine.wait_until_warm(60)

    assert before.id not in [c.id for c in containers_of(docker_client, owner, "app")]


# What a program can find out about itself; the same question is put to a fork and to a shell.
SELF = """
    import atexit, multiprocessing, resource, signal, threading
    self.reply(200, {
        "argv": sys.argv, "path": sys.path, "flags": str(sys.flags), "executable": sys.executable,
        "main": [__main__.__file__, __main__.__name__, __main__ is sys.modules["__main__"]],
        "cwd": os.getcwd(), "environment": {name: value for name, value in os.environ.items()
                        if name not in ("PORT", "SECRET_KEY", "_", "OLDPWD")},
        "threads": [thread.name for thread in threading.enumerate()
                    if "process_request" not in thread.name],
        "signals": [str(signal.getsignal(number)) for number in
                    (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)],
        "streams": [sys.stdout.line_buffering, sys.stdout.write_through, sys.stdout.encoding,
                    sys.stderr.encoding, sys.stdin.read()],
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:3],
        "session": os.getsid(0) == os.getpgid(0),
        "own": sorted(name for name in sys.modules if name.split(".")[0] in ("agent", "wire")),
        "dumpable": open("/proc/self/environ").read() != "",
        "recursion": sys.getrecursionlimit(), "bytecode": sys.dont_write_bytecode,
        "start_method": multiprocessing.get_start_method(),
    })
"""


def test_a_fork_cannot_be_told_from_a_program_that_a_shell_started(make_engine):
    engine = make_engine()
    app = make_app(SELF, before="import __main__, sys\n")
    found = []
    for line in ("web: python app.py\n", "web: true && exec python app.py\n"):
        outcome = grade(engine, app | {"Procfile": line}, TELL)
        assert outcome.status == "completed", outcome.detail + outcome.app_log_tail
        found.append(json.loads(by_id(outcome)["a.one"].message))

    forked, shelled = found
    assert forked["environment"]["PWD"] == forked["cwd"]
    assert forked == shelled
    assert forked["own"] == []


@pytest.mark.parametrize("line", ["python app.py", "true && python app.py"])
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f():\n    raise ValueError('a reason')\nf()\n", "ValueError: a reason"),
        ("import sys\nsys.exit('no such setting')\n", "no such setting"),
        ("import atexit\natexit.register(print, 'at exit')\n", "at exit"),
        ("import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2),"
         " print('from a thread'))).start()\n", "from a thread"),
        ("def f(:\n", "SyntaxError"),
    ],
    ids=["exception", "exit", "atexit", "thread", "syntax"],
)  # fmt: skip
def test_how_a_program_ends_is_told_alike(make_engine, line, source, words):
    outcome = grade(make_engine(), {"Procfile": f"web: {line}\n", "app.py": source})

    assert outcome.status == "app_not_ready"
    assert words in outcome.app_log_tail
    assert "/opt/backpath/agent" not in outcome.app_log_tail
    assert "runpy" not in outcome.app_log_tail


def test_a_module_of_the_learners_wins_over_one_that_is_imported_already(make_engine):
    app = make_app("import http.client, flask; self.reply(200, [flask.MINE])")
    app["flask.py"] = "MINE = 'mine'\n"
    app["mentions.txt"] = "flask"

    outcome = grade(make_engine(), app, TELL)

    assert by_id(outcome)["a.one"].message == '["mine"]'


def test_random_numbers_differ_from_start_to_start(make_engine):
    app = make_app("import random, uuid; self.reply(200, [random.random(), str(uuid.uuid4())])")
    grader = make_grader(
        """
        seen = []

        @check("a.one")
        def test_one(service):
            seen.extend(service.get("/").json_list())

        @check("b.two")
        def test_two(service):
            for value in service.get("/").json_list():
                expect_true(value not in seen, "it came again")
        """
    )

    outcome = grade(make_engine(), app, grader, ids=["a.one", "b.two"])

    assert [check.outcome for check in outcome.checks] == ["passed", "passed"]


LITTER = make_grader(
    """
    import os, pathlib, subprocess, sys, time

    @check("a.one")
    def test_one(service):
        found = [str(path) for folder in ("/grader", "/tmp")
                 for path in pathlib.Path(folder).rglob("*")]
        others = [pid for pid in os.listdir("/proc")
                  if pid.isdigit() and int(pid) not in (1, os.getpid())]
        marks = [name for name in sys.modules if name.startswith("left_by_")]
        marks += [name for name in os.environ if name.startswith("LEFT")]
        pathlib.Path("/tmp/left/behind").mkdir(parents=True)
        pathlib.Path("/grader/secret.txt").write_text("of the job before")
        os.chmod("/tmp/left", 0)
        sys.modules["left_by_a_job"] = sys
        os.environ["LEFT"] = "1"
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        found = [name for name in found if "test_checks" not in name and "__pycache__" not in name]
        fail(f"{found} {others} {marks}")
    """
)


def test_a_runner_serves_job_after_job_and_none_finds_anything_of_another(
    make_engine, docker_client, owner
):
    engine = make_engine(pool_size=0)
    messages = set()
    runners = set()
    for _ in range(3):
        messages.add(by_id(grade(engine, grader=LITTER))["a.one"].message)
        engine.settle()
        runners |= {container.id for container in containers_of(docker_client, owner, "runner")}

    assert messages == {"[] [] []"}
    assert len(runners) == 1


def test_a_runner_is_replaced_after_its_share_of_jobs(make_engine, docker_client, owner):
    engine = make_engine(pool_size=0, runner_jobs=2)
    runners = []
    for _ in range(4):
        grade(engine)
        engine.settle()
        runners.append([c.id for c in containers_of(docker_client, owner, "runner")])

    assert [len(ids) for ids in runners] == [1, 0, 1, 0]
    assert runners[0] != runners[2]


@pytest.mark.parametrize(
    ("grader", "status"),
    [
        ("@check('a.one')\ndef test_one(service):\n    import os; os._exit(3)", "grader_error"),
        ("@check('a.one')\ndef test_one(service):\n    x = bytearray(900 << 20)", None),
    ],
    ids=["exits", "out-of-memory"],
)
def test_a_grader_that_breaks_costs_the_next_job_nothing(make_engine, grader, status):
    engine = make_engine()

    broken = grade(engine, grader=make_grader(grader))
    following = grade(engine)

    assert broken.status in ({status} if status else {"grader_error", "infrastructure_error"})
    assert following.status == "completed"
    assert by_id(following)["a.one"].outcome == "passed"


def test_closing_the_engine_leaves_no_container(make_engine, docker_client, owner):
    engine = warmed(make_engine())
    assert containers_of(docker_client, owner)

    engine.close()

    assert containers_of(docker_client, owner) == []


def test_a_container_that_was_removed_by_hand_is_not_missed(make_engine, docker_client, owner):
    engine = warmed(make_engine())
    for container in containers_of(docker_client, owner):
        container.remove(force=True)

    outcome = grade(engine)

    assert outcome.status == "completed", outcome.detail
    assert engine.wait_until_warm(60)
    assert grade(engine).origin == "warm"


def test_nothing_of_the_submission_is_there_before_its_job(make_engine, docker_client, owner):
    """A warm container has nothing of anybody: its file systems for learners are empty."""
    warmed(make_engine())
    (container,) = containers_of(docker_client, owner, "app")

    code, output = container.exec_run(["find", "/work", "/data", "/tmp", "-mindepth", "1"])

    assert (code, output) == (0, b"")


WORKER = """
import sys, time
from backpath.execution.docker_engine import DockerEngine
engine = DockerEngine.from_settings(owner=sys.argv[1], pool_size=2)
limits = {"app_memory_mb": 256, "app_pids": 64, "app_cpus": 1.0}
engine.warm_up([{"limits": limits}])
assert engine.wait_until_warm(60)
print("warm", flush=True)
time.sleep(600)
"""


def test_when_a_worker_is_killed_its_warm_containers_end_themselves(
    docker_client, owner, make_engine
):
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, owner],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "platform")},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"warm\n"
    assert len(containers_of(docker_client, owner)) >= 2
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()

    deadline = time.monotonic() + 30
    while any(c.status == "running" for c in containers_of(docker_client, owner)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for container in containers_of(docker_client, owner):
        container.remove(force=True)
