"""A Celery worker that kills itself once, at a named point of a job.

`python -m tests.endtoend.killing_worker POINT --app backpath.config worker …`. The job's
process and its parent die by SIGKILL, so nothing gets to clean up; at the point
`child-only` the parent survives.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import django

django.setup()

from celery.__main__ import main as celery_main  # noqa: E402 - Django is set up first

from backpath.execution.engine import Engine, RunEvent, RunRequest  # noqa: E402 - Django is set up first
from backpath.execution.outcome import CheckFinished, Phase, RunOutcome  # noqa: E402 - Django is set up first
from backpath.grading import jobs, recording, tasks  # noqa: E402 - Django is set up first
from backpath.grading.models import JobEvent  # noqa: E402 - Django is set up first

POINTS: Final = (
    "after-claim",
    "sandbox-starting",
    "app-starting",
    "mid-checks",
    "before-commit",
    "after-commit",
    "child-only",
)


def die(*, with_parent: bool = True) -> None:
    if with_parent:
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class KillingEngine:
    """Dies when the run gets to the event of its point, after the event was recorded."""

    def __init__(self, engine: Engine, point: str) -> None:
        self._engine = engine
        self._point = point
        self._checks = 0

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        def record_and_die(event: RunEvent) -> None:
            on_event(event)
            if self._is_there(event):
                die(with_parent=self._point != "child-only")

        return self._engine.run(request, on_event=record_and_die, should_stop=should_stop)

    def _is_there(self, event: RunEvent) -> bool:
        if isinstance(event, Phase):
            return (self._point, event.name) in {
                ("sandbox-starting", "starting"),
                ("app-starting", "app_starting"),
                ("child-only", "checking"),
            }
        if isinstance(event, CheckFinished):
            self._checks += 1
        return self._point == "mid-checks" and self._checks == 2

    def health(self) -> Any:
        return self._engine.health()

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to let go of."""

    def sweep(self, **options: Any) -> int:
        return self._engine.sweep(**options)


def install(point: str) -> None:
    """Put the death in the way of the real code, in this process and those it forks."""
    get_engine, claim_job, run_job = tasks.get_engine, jobs.claim_job, jobs.run_job
    append_event = recording.append_event

    def claim_and_die(**options: Any) -> Any:
        claim = claim_job(**options)
        if claim is not None:
            die()
        return claim

    def append_and_die(job_id: Any, *, kind: Any, payload: Any) -> Any:
        event = append_event(job_id, kind=kind, payload=payload)
        if kind == JobEvent.Kind.DECIDED:
            die()
        return event

    def run_and_die(**options: Any) -> Any:
        if run_job(**options) == jobs.JobDecision.FINISHED:
            die()

    tasks.get_engine = lambda: KillingEngine(get_engine(), point)
    if point == "after-claim":
        jobs.claim_job = claim_and_die
    elif point == "before-commit":
        recording.append_event = append_and_die
    elif point == "after-commit":
        jobs.run_job = run_and_die


if __name__ == "__main__":
    point = sys.argv.pop(1)
    if point not in POINTS:
        sys.exit(f"unknown point {point!r}")
    install(point)
    celery_main()
