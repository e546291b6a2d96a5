"""From the browser's upload to the report, through real processes, on both shapes."""

import json
import threading
import time
import zlib
from typing import Any

import pytest

from tests.endtoend.learner import Learner, zip_of
from tests.endtoend.stack import Stack, wait_for

pytestmark = pytest.mark.endtoend

PASSWORD = "a long enough secret"


def archive(script: dict[str, Any], marker: str = "") -> bytes:
    return zip_of({"grade.json": json.dumps(script).encode(), "app.py": marker.encode()})


def wait_until_decided(learner: Learner, submission: str, stack: Stack) -> dict[str, Any]:
    wait_for(
        lambda: not learner.status(submission)["state"]["is_open"],
        seconds=60,
        what="the verdict",
        stack=stack,
    )
    return learner.status(submission)


@pytest.fixture
def slug(stack: Stack, request: pytest.FixtureRequest) -> str:
    name = f"web-{zlib.crc32(request.node.name.encode())}"
    stack.control("seed", slug=name)
    return name


def test_a_learner_signs_up_hands_in_and_watches(stack: Stack, slug: str) -> None:
    stack.start_worker()
    with Learner(stack.url) as learner:
        learner.sign_up(f"grace-{slug}", PASSWORD)
        submission = learner.hand_in(slug, archive({"fail": ["read.list"], "seconds": 0.3}))
        started = time.monotonic()
        arrivals: list[tuple[str, float]] = []
        events = []
        for event in learner.watch(submission):
            events.append(event)
            arrivals.append((event[0], time.monotonic() - started))
        names = [name for name, _, _ in events]
        assert names[-1] == "decided", stack.logs()
        checks = [
            (data["check_id"], data["outcome"]) for name, _, data in events if name == "check"
        ]
        assert checks == [
            ("start.health", "passed"),
            ("read.list", "failed"),
            ("read.secret", "passed"),
        ]
        # They came one by one while the run went on, not all at its end.
        moments = [moment for name, moment in arrivals if name == "check"]
        assert moments[-1] - moments[0] > 0.4
        report = learner.http.get(events[-1][2]["url"])
        assert report.url.path == f"/submissions/{submission}/report/"
        assert report.status_code == 200
        assert "50" in report.text
        assert "GET /articles lists" in report.text
        # Coming back to the live page leads to the report as well.
        again = learner.http.get(f"/submissions/{submission}/")
        assert again.url.path == f"/submissions/{submission}/report/"


def test_a_broken_connection_resumes_where_it_was(stack: Stack, slug: str) -> None:
    stack.start_worker()
    with Learner(stack.url) as learner:
        learner.sign_up(f"alan-{slug}", PASSWORD)
        submission = learner.hand_in(slug, archive({"seconds": 0.3}))
        before = []
        for event in learner.watch(submission):
            before.append(event)
            if event[0] == "check":
                break
        last = before[-1][1]
        assert last is not None
        after = list(learner.watch(submission, last_event_id=last))
        checks = [data["check_id"] for name, _, data in before + after if name == "check"]
        assert checks == ["start.health", "read.list", "read.secret"]
        assert after[-1][0] == "decided"


def test_submissions_of_one_learner_are_graded_in_order(stack: Stack, slug: str) -> None:
    with Learner(stack.url) as learner:
        learner.sign_up(f"edsger-{slug}", PASSWORD)
        submissions = [
            learner.hand_in(slug, archive({"seconds": 0.1}, marker=str(number)))
            for number in range(3)
        ]
        waiting = [learner.status(submission)["position"] for submission in submissions]
        assert [position["waiting_behind_own"] for position in waiting] == [0, 1, 2]
        stack.start_worker(name="one")
        stack.start_worker(name="two")
        for submission in submissions:
            wait_until_decided(learner, submission, stack)
    jobs = [stack.control("state", submission=submission) for submission in submissions]
    assert [len(of_one) for of_one in jobs] == [1, 1, 1]
    (first,), (second,), (third,) = jobs
    assert first["reported_at"] <= second["claimed_at"]
    assert second["reported_at"] <= third["claimed_at"]


def test_identical_files_are_not_graded_twice(stack: Stack, slug: str) -> None:
    stack.start_worker()
    with Learner(stack.url) as learner:
        learner.sign_up(f"barbara-{slug}", PASSWORD)
        first = learner.hand_in(slug, archive({}))
        wait_until_decided(learner, first, stack)
        page = learner.upload(slug, archive({}))
        assert page.url.path == f"/projects/{slug}/submit/"
        assert "exactly the files of attempt 1" in page.text
    assert len(stack.control("state", submission=first)) == 1


def test_many_watchers_hold_no_connections(stack: Stack, slug: str) -> None:
    """With a pool of four connections, ten streams that kept theirs would stop the site."""
    with Learner(stack.url) as learner:
        learner.sign_up(f"leslie-{slug}", PASSWORD)
        submission = learner.hand_in(slug, archive({}))
        names: list[list[str]] = []

        def watch() -> None:
            with Learner(stack.url) as watcher:
                watcher.http.cookies.update(learner.http.cookies)
                names.append([name for name, _, _ in watcher.watch(submission)])

        threads = [threading.Thread(target=watch) for _ in range(10)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        started = time.monotonic()
        assert learner.http.get("/readyz").status_code == 200
        assert learner.http.get(f"/submissions/{submission}/").status_code == 200
        assert time.monotonic() - started < 8
        stack.start_worker()
        for thread in threads:
            thread.join(60)
    assert [seen[-1] for seen in names] == ["decided"] * 10
    assert {seen.count("check") for seen in names} == {3}


def test_nobody_else_sees_it(stack: Stack, slug: str) -> None:
    with Learner(stack.url) as learner, Learner(stack.url) as stranger:
        learner.sign_up(f"ken-{slug}", PASSWORD)
        stranger.sign_up(f"dennis-{slug}", PASSWORD)
        submission = learner.hand_in(slug, archive({}))
        for page in ("", "report/", "files/", "events/", "status.json", "report.json"):
            url = f"/submissions/{submission}/{page}"
            assert stranger.http.get(url).status_code == 404, url
        assert learner.http.get(f"/submissions/{submission}/").status_code == 200
        assert learner.http.get(f"/submissions/{submission}/files/").status_code == 200


def test_without_a_worker_it_waits_and_says_so(stack: Stack, slug: str) -> None:
    assert stack.control("heartbeats") == []
    with Learner(stack.url) as learner:
        learner.sign_up(f"radia-{slug}", PASSWORD)
        submission = learner.hand_in(slug, archive({}))
        page = learner.http.get(f"/submissions/{submission}/")
        assert "No grader is available" in page.text
        assert learner.status(submission)["state"]["status"] == "queued"
        stack.start_worker()
        assert wait_until_decided(learner, submission, stack)["state"]["status"] == "decided"


def test_workers_say_that_they_are_there(stack: Stack) -> None:
    stack.start_worker(name="proud")

    def beats() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = stack.control("heartbeats")
        return [beat for beat in found if beat["worker"] == "proud@test"]

    wait_for(lambda: bool(beats()), seconds=30, what="a heartbeat", stack=stack)
    assert beats()[0]["queues"] == ["exercises", "projects"]
    assert beats()[0]["is_ok"]
    stack.stop("proud")
    assert beats() == []
