"""SIGKILL at any point of a job gives exactly one report, later."""

import signal
from typing import Any

import pytest

from tests.endtoend.killing_worker import POINTS
from tests.endtoend.stack import Stack, wait_for

pytestmark = pytest.mark.endtoend

SCRIPT = {"fail": ["read.secret"], "seconds": 0.05}


def jobs_of(stack: Stack, submission: str) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = stack.control("state", submission=submission)
    return jobs


def reports_of(stack: Stack, submission: str) -> list[dict[str, Any]]:
    return [job for job in jobs_of(stack, submission) if job["verdict"]]


def wait_for_report(stack: Stack, submission: str) -> None:
    wait_for(
        lambda: bool(reports_of(stack, submission)), seconds=90, what="the report", stack=stack
    )


def wait_for_death(stack: Stack, point: str, submission: str) -> None:
    """Wait until the worker died; whatever is left of it is killed too."""
    victim = stack.processes["victim"]
    if point == "child-only":
        # Celery's parent lives on and starts children that die on each attempt.
        wait_for(
            lambda: jobs_of(stack, submission)[0]["state"] == "crashed",
            seconds=60,
            what="the end of the lease",
            stack=stack,
        )
        stack.kill_group("victim")
    else:
        wait_for(lambda: victim.poll() is not None, seconds=60, what=f"death {point}", stack=stack)
        del stack.processes["victim"]
    assert victim.returncode == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
def test_exactly_one_report(stack: Stack, point: str) -> None:
    slug = f"kill-{point}"
    stack.control("seed", slug=slug)
    stack.start_worker(module="tests.endtoend.killing_worker", name="victim", arguments=(point,))
    submission = stack.control("submit", slug=slug, script=SCRIPT)
    wait_for_death(stack, point, submission)
    assert len(reports_of(stack, submission)) == (1 if point == "after-commit" else 0)

    stack.start_worker(name="survivor")
    wait_for_report(stack, submission)
    # Messages that are still under way must not make a second one.
    stack.control("resend", submission=submission, times=3)
    later = stack.control("submit", slug=slug, script={})
    wait_for_report(stack, later)

    jobs = jobs_of(stack, submission)
    *crashed, finished = jobs
    assert (finished["state"], finished["verdict"]) == ("finished", "failed")
    assert (finished["score"], finished["results"], finished["decided"]) == (70, 3, 1)
    assert {(job["state"], job["error_code"], job["verdict"]) for job in crashed} == (
        set() if point == "after-commit" else {("crashed", "worker-lost", None)}
    )
    assert [job["attempt"] for job in jobs] == list(range(1, len(jobs) + 1))
    assert len(jobs_of(stack, later)) == 1
