"""Celery's side, by calling the task as a worker would."""

import pytest
from pytest_django import Settings

from backpath.grading.models import GradingJob, Report
from backpath.grading.tasks import grade, send_if_claimable, send_job
from tests.grading.broker import sent_jobs
from tests.grading.factories import make_assignment, make_job, make_submission, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _scripted_engine(settings: Settings) -> None:
    settings.BACKPATH_ENGINE = "tests.grading.fakes.ScriptedEngine"


def test_a_graded_job_sends_the_one_that_waited() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    grade(str(first.pk))
    first.refresh_from_db()
    assert first.state == GradingJob.State.FINISHED
    assert sent_jobs("projects") == [str(second.pk)]


def test_a_job_that_is_refused_sends_the_one_before_it() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    grade(str(second.pk))
    assert not Report.objects.exists()
    assert sent_jobs("projects") == [str(first.pk)]


def test_a_job_that_must_wait_does_not_send_itself() -> None:
    job = make_job()
    GradingJob.objects.filter(pk=job.pk).update(state=GradingJob.State.FINISHED)
    grade(str(job.pk))
    assert sent_jobs("projects") == []


def test_what_is_sent_is_counted() -> None:
    job = make_job()
    assert send_job(job)
    assert send_job(job)
    job.refresh_from_db()
    assert job.enqueue_count == 2
    assert sent_jobs("projects") == [str(job.pk)] * 2


def test_only_whose_turn_it_is_is_sent() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    send_if_claimable(second.pk)
    assert sent_jobs("projects") == []
    send_if_claimable(first.pk)
    assert sent_jobs("projects") == [str(first.pk)]


def test_how_celery_is_set_up() -> None:
    conf = grade.app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert {queue.name for queue in conf.task_queues} == {"exercises", "projects"}
    assert conf.accept_content == ["json"]
