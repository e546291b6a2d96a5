"""What makes up for lost messages and lost workers."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from pytest_django import Settings

from backpath.execution.engine import EngineHealth
from backpath.grading import jobs
from backpath.grading.clock import database_now
from backpath.grading.heartbeat import beat
from backpath.grading.models import GradingJob, Report
from backpath.grading.sweeper import SweepResult, sweep
from backpath.grading.tasks import send_job
from tests.grading.broker import empty_broker, sent_jobs
from tests.grading.factories import make_assignment, make_job, make_submission, make_user
from tests.grading.fakes import FakeEngine

State = GradingJob.State
pytestmark = pytest.mark.django_db


def ago(seconds: float) -> object:
    return database_now() - timedelta(seconds=seconds)


def sweep_ids() -> list[str]:
    """Sweep and return the ids of what was sent."""
    sent: list[GradingJob] = []
    sweep(lambda job: not sent.append(job))
    return [str(job.pk) for job in sent]


def test_a_job_whose_message_was_never_sent_is_sent() -> None:
    job = make_job()
    assert sweep(send_job) == SweepResult(expired=0, sent=1)
    assert sent_jobs("projects") == [str(job.pk)]
    job.refresh_from_db()
    assert job.enqueue_count == 1
    # It is not sent again at once.
    assert sweep(send_job) == SweepResult(expired=0, sent=0)


@pytest.mark.parametrize(
    ("count", "seconds", "is_sent"),
    [
        (1, 29, False),
        (1, 31, True),
        (2, 59, False),
        (2, 61, True),
        (3, 119, False),
        (3, 121, True),
        (4, 239, False),
        (4, 241, True),
        (50, 239, False),
        (50, 241, True),
    ],
)
def test_the_pause_between_messages_grows(
    count: int, seconds: int, is_sent: bool, settings: Settings
) -> None:
    settings.BACKPATH_REQUEUE_SECONDS = 30
    job = make_job(enqueue_count=count, enqueued_at=ago(seconds))
    assert sweep_ids() == ([str(job.pk)] if is_sent else [])


def test_only_the_first_in_line_is_sent() -> None:
    learner, assignment = make_user(), make_assignment()
    first, _, _ = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(3)
    )
    assert sweep_ids() == [str(first.pk)]
    GradingJob.objects.filter(pk=first.pk).update(
        state=State.RUNNING, lease_expires_at=database_now() + timedelta(seconds=30)
    )
    assert sweep_ids() == []


@pytest.mark.parametrize("state", [s for s in State if s != State.QUEUED])
def test_nothing_but_queued_jobs_is_sent(state: State) -> None:
    make_job(state=state)
    assert sweep_ids() == []


def test_a_retry_is_sent_when_its_pause_is_over() -> None:
    job = make_job(not_before=database_now() + timedelta(seconds=60))
    assert sweep_ids() == []
    GradingJob.objects.filter(pk=job.pk).update(not_before=ago(1))
    assert sweep_ids() == [str(job.pk)]


def test_a_job_whose_worker_died_runs_again() -> None:
    job = make_job(state=State.RUNNING, lease_expires_at=ago(1), fencing_number=1, worker="dead")
    result = sweep(send_job)
    assert result == SweepResult(expired=1, sent=1)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.CRASHED, "worker-lost")
    retry = GradingJob.objects.get(retry_of=job)
    # Nothing is wrong with the submission, so there is no pause.
    assert retry.not_before is None
    assert sent_jobs("projects") == [str(retry.pk)]
    assert jobs.run_job(job_id=retry.pk, engine=FakeEngine(), worker_name="alive") == "finished"
    assert Report.objects.count() == 1


def test_sweeping_again_changes_nothing_more() -> None:
    make_job(state=State.RUNNING, lease_expires_at=ago(1))
    sweep(send_job)
    assert sweep(send_job) == SweepResult(expired=0, sent=0)
    assert GradingJob.objects.count() == 2


def test_a_running_job_with_a_lease_is_left_alone() -> None:
    job = make_job(state=State.RUNNING, lease_expires_at=database_now() + timedelta(seconds=5))
    assert sweep(send_job) == SweepResult(expired=0, sent=0)
    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_a_job_handed_back_waits_until_a_grader_is_there() -> None:
    down = FakeEngine(health=EngineHealth(ok=False, message="no Docker", remedy="start it"))
    job = make_job()
    send_job(job)
    beat(engine=down, worker="w1", queues=["projects"])
    assert jobs.run_job(job_id=job.pk, engine=down, worker_name="w1") == "no_engine"
    empty_broker()
    assert sweep(send_job).sent == 0
    beat(engine=FakeEngine(), worker="w1", queues=["projects"])
    assert sweep(send_job).sent == 1
    assert sent_jobs("projects") == [str(job.pk)]


def test_the_command_sweeps_once(capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job()
    call_command("run_sweeper", "--once")
    assert capsys.readouterr().out == "expired: 0, sent: 1\n"
    assert sent_jobs("projects") == [str(job.pk)]
