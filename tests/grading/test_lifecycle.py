"""The one transition table."""

import pytest
from django.db.models import Q

from backpath.grading import lifecycle
from backpath.grading.models import GradingJob
from tests.grading.factories import make_job

State = GradingJob.State
ALLOWED = {
    (State.QUEUED, State.RUNNING),
    (State.QUEUED, State.CANCELED),
    (State.RUNNING, State.FINISHED),
    (State.RUNNING, State.CRASHED),
    (State.RUNNING, State.CANCELED),
}


@pytest.mark.django_db
@pytest.mark.parametrize("target", State)
@pytest.mark.parametrize("state", State)
def test_every_pair_of_states(state: State, target: State) -> None:
    job = make_job(state=state, worker="before")
    happened = lifecycle.transition(job.pk, to=target, worker="after")
    job.refresh_from_db()
    if (state, target) in ALLOWED:
        assert happened
        assert (job.state, job.worker) == (target, "after")
    else:
        assert not happened
        assert (job.state, job.worker) == (state, "before")


def test_every_state_is_in_the_table() -> None:
    assert set(lifecycle.TRANSITIONS) == set(State)


def test_open_states_are_those_with_a_way_out() -> None:
    assert set(GradingJob.OPEN_STATES) == {
        state for state, targets in lifecycle.TRANSITIONS.items() if targets
    }


@pytest.mark.django_db
def test_a_further_condition_must_hold_too() -> None:
    job = make_job(state=State.RUNNING, fencing_number=2)
    assert not lifecycle.transition(job.pk, to=State.FINISHED, only_if=Q(fencing_number=1))
    assert lifecycle.transition(job.pk, to=State.FINISHED, only_if=Q(fencing_number=2))


@pytest.mark.django_db
def test_a_transition_touches_one_job_only() -> None:
    job, other = make_job(), make_job()
    assert lifecycle.transition(job.pk, to=State.CANCELED)
    other.refresh_from_db()
    assert other.state == State.QUEUED
