"""The states of a grading job: the one table of transitions, and the one way to make one.

    queued ──► running ──► finished
       │          ├──────► crashed      our fault: a retry is a new job
       └──────────┴──────► canceled

A transition is a conditional UPDATE, so of two that race exactly one happens, and a
message that is delivered twice does no harm.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from backpath.grading.models import GradingJob

State = GradingJob.State

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELED}),
    State.RUNNING: frozenset({State.FINISHED, State.CRASHED, State.CANCELED}),
    State.FINISHED: frozenset(),
    State.CRASHED: frozenset(),
    State.CANCELED: frozenset(),
}


def sources(target: State) -> frozenset[State]:
    """The states from which `target` may be entered."""
    return frozenset(state for state, targets in TRANSITIONS.items() if target in targets)


def transition(job_id: UUID, *, to: State, only_if: Q | None = None, **changes: Any) -> bool:
    """Move the job to `to` and set `changes`, if its state and `only_if` allow it.

    Returns whether it happened. False is no error: somebody else was faster.
    """
    jobs = GradingJob.objects.filter(pk=job_id, state__in=sources(to))
    if only_if is not None:
        jobs = jobs.filter(only_if)
    return jobs.update(state=to, **changes) == 1
