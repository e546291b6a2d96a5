"""What can come between a job and its report: faults of ours, lost claims, hostile outcomes."""

import threading
from datetime import timedelta

import pytest
from pytest_django import Settings

from backpath.catalog.models import Assignment
from backpath.execution.engine import RunRequest
from backpath.execution.outcome import Phase, RunOutcome
from backpath.grading.clock import database_now
from backpath.grading.jobs import JobDecision, cancel_job, expire_job
from backpath.grading.models import GradingJob, Report
from backpath.grading.storage import archive_name
from tests.grading.factories import (
    CHECKS,
    make_assignment,
    make_check,
    make_exchange,
    make_job,
    make_outcome,
    make_submission,
    make_user,
)
from tests.grading.fakes import FakeEngine, OnEvent, ShouldStop
from tests.grading.running import events_of, run

State = GradingJob.State


# Faults of ours ------------------------------------------------------------------------


def retry_of(job: GradingJob) -> GradingJob:
    return GradingJob.objects.get(retry_of=job)


FAULTS: list[tuple[RunOutcome | Exception, str, str]] = [
    (make_outcome(status="infrastructure_error", detail="disk"), "infrastructure-error", "disk"),
    (make_outcome(status="grader_error", detail="KeyError"), "grader-error", "KeyError"),
    (make_outcome(checks=[]), "grader-error", "missing"),
    (make_outcome(checks=[make_check("evil")] * 3), "grader-error", "unknown"),
    (RuntimeError("bug"), "internal-error", "RuntimeError: bug"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("outcome", "code", "detail"), FAULTS)
def test_a_fault_of_ours_queues_another_attempt(
    outcome: RunOutcome | Exception, code: str, detail: str
) -> None:
    job = make_job()
    assert run(job, FakeEngine(outcome)) == JobDecision.CRASHED
    assert (job.state, job.error_code) == (State.CRASHED, code)
    assert detail in job.error_detail
    assert job.finished_at is not None
    assert not Report.objects.exists()
    retry = retry_of(job)
    assert (retry.state, retry.attempt, retry.submission_id) == (
        State.QUEUED,
        2,
        job.submission_id,
    )
    assert retry.not_before is not None
    assert events_of(retry) == [("restarted", {"attempt": 2})]
    assert ("decided", {}) not in events_of(job)


@pytest.mark.django_db
def test_another_attempt_waits_a_moment(settings: Settings) -> None:
    settings.BACKPATH_RETRY_SECONDS = 60
    job = make_job()
    run(job, FakeEngine(RuntimeError("bug")))
    retry = retry_of(job)
    assert run(retry) == JobDecision.REFUSED
    GradingJob.objects.filter(pk=retry.pk).update(not_before=database_now() - timedelta(seconds=1))
    assert run(retry) == JobDecision.FINISHED
    assert Report.objects.get().job == retry


@pytest.mark.django_db
def test_after_the_last_attempt_it_is_shown_as_our_fault(settings: Settings) -> None:
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 2
    settings.BACKPATH_RETRY_SECONDS = 0
    job = make_job()
    run(job, FakeEngine(RuntimeError("bug")))
    last = retry_of(job)
    assert run(last, FakeEngine(RuntimeError("bug"))) == JobDecision.CRASHED
    assert not GradingJob.objects.filter(retry_of=last).exists()
    assert events_of(last)[-1] == ("decided", {})


@pytest.mark.django_db
def test_a_later_submission_waits_for_the_retry(settings: Settings) -> None:
    settings.BACKPATH_RETRY_SECONDS = 0
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    run(first, FakeEngine(RuntimeError("bug")))
    assert run(second) == JobDecision.REFUSED
    assert run(retry_of(first)) == JobDecision.FINISHED
    assert run(second) == JobDecision.FINISHED


@pytest.mark.django_db
def test_lost_files_are_our_fault(settings: Settings) -> None:
    job = make_job()
    (settings.MEDIA_ROOT / archive_name(job.submission.content_hash)).unlink()
    engine = FakeEngine()
    assert run(job, engine) == JobDecision.CRASHED
    assert job.error_code == "stored-files-lost"
    assert engine.requests == []


@pytest.mark.django_db
def test_a_lost_grader_is_our_fault() -> None:
    assignment = make_assignment()
    Assignment.objects.filter(pk=assignment.pk).update(grader_hash="ab" * 32)
    job = make_job(make_submission(assignment=assignment))
    assert run(job) == JobDecision.CRASHED
    assert job.error_code == "blob-missing"


# Losing the job on the way ---------------------------------------------------------------


@pytest.mark.django_db
def test_a_worker_that_comes_too_late_changes_nothing(settings: Settings) -> None:
    """A worker stalls, its lease runs out, another attempt reports, and then it wakes up."""
    settings.BACKPATH_RETRY_SECONDS = 0
    job = make_job()

    def stall(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        past = database_now() - timedelta(seconds=1)
        GradingJob.objects.filter(pk=job.pk).update(lease_expires_at=past)
        assert expire_job(job.pk)
        outcome = make_outcome(checks=[make_check(c["id"], "failed") for c in CHECKS])
        assert run(retry_of(job), FakeEngine(outcome), "w2") == JobDecision.FINISHED

    assert run(job, FakeEngine(make_outcome(), on_run=stall)) == JobDecision.STALE
    assert (job.state, job.error_code) == (State.CRASHED, "worker-lost")
    report = Report.objects.get()
    assert report.job == retry_of(job)
    assert report.score == 0
    # Nor did it write any event after it had lost the job.
    assert events_of(job) == [("phase", {"name": "starting"})]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "outcome", [make_outcome(), RuntimeError("late bug"), make_outcome(checks=[])]
)
def test_a_worker_with_an_old_number_decides_nothing(outcome: RunOutcome | Exception) -> None:
    job = make_job()

    def lose(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        GradingJob.objects.filter(pk=job.pk).update(fencing_number=2)

    assert run(job, FakeEngine(outcome, on_run=lose)) == JobDecision.STALE
    assert job.state == State.RUNNING
    assert GradingJob.objects.count() == 1
    assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lost_lease_stops_the_run(settings: Settings) -> None:
    settings.BACKPATH_LEASE_SECONDS = 0.3
    job = make_job()
    stopped = threading.Event()

    def lose(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        assert not should_stop()
        assert cancel_job(job.pk)
        for _ in range(100):
            if should_stop():
                stopped.set()
                return
            threading.Event().wait(0.05)

    outcome = make_outcome(status="infrastructure_error", detail="stopped")
    assert run(job, FakeEngine(outcome, on_run=lose)) == JobDecision.STALE
    assert stopped.is_set()
    assert job.state == State.CANCELED
    assert GradingJob.objects.count() == 1


@pytest.mark.django_db
def test_an_event_that_is_refused_stops_the_run_at_once() -> None:
    job = make_job()
    seen: list[bool] = []

    def lose(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        GradingJob.objects.filter(pk=job.pk).update(fencing_number=2)
        seen.append(should_stop())
        on_event(make_check("start.health"))
        seen.append(should_stop())

    run(job, FakeEngine(on_run=lose))
    assert seen == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_the_job_runs(settings: Settings) -> None:
    settings.BACKPATH_LEASE_SECONDS = 0.6
    job = make_job()

    def last(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        threading.Event().wait(1.5)
        assert not should_stop()
        assert not expire_job(job.pk)

    assert run(job, FakeEngine(on_run=last)) == JobDecision.FINISHED


@pytest.mark.django_db(transaction=True)
def test_an_engine_that_hangs_loses_the_job(settings: Settings) -> None:
    settings.BACKPATH_LEASE_SECONDS = 0.3
    settings.BACKPATH_HARD_LIMIT_SECONDS = 0.5
    job = make_job()

    def hang(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        for _ in range(100):
            if should_stop() and expire_job(job.pk):
                return
            threading.Event().wait(0.05)

    assert run(job, FakeEngine(on_run=hang)) == JobDecision.STALE
    assert (job.state, job.error_code) == (State.CRASHED, "worker-lost")


# Hostile outcomes ------------------------------------------------------------------------


@pytest.mark.django_db
def test_hostile_events_feed_nothing_to_the_live_page() -> None:
    job = make_job()

    def chatter(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        for _ in range(50):
            on_event(make_check("unknown.check"))
            on_event(make_check("start.health", "splendid"))
            on_event(Phase("victory"))
            on_event(Phase("starting"))
        for _ in range(50):
            on_event(make_check("start.health"))

    run(job, FakeEngine(on_run=chatter))
    kinds = [kind for kind, _ in events_of(job)]
    assert kinds == ["phase", "check", "phase", "phase", "check", "check", "phase", "decided"]


@pytest.mark.django_db
def test_hostile_texts_are_stored_harmless() -> None:
    nasty = "\x00\x1b[2J\u202e" + "A" * 1_000_000
    check = make_check(
        "read.list",
        "failed",
        message=nasty,
        expected=nasty,
        actual=nasty,
        output=nasty,
        duration_ms=10**15,
        exchanges=[make_exchange(curl=nasty, response_body=nasty, elapsed_ms=float("nan"))] * 99,
    )
    outcome = make_outcome(
        checks=[make_check("start.health"), check, make_check("read.secret")],
        app_log_tail=nasty,
        packages={nasty: nasty},
        timings={"total": float("inf"), "checks": 1.0},
        image_digests={"app": nasty},
    )
    job = make_job()
    assert run(job, FakeEngine(outcome)) == JobDecision.FINISHED
    stored = job.report.results.get(check_id="read.list")
    texts = [
        stored.message,
        stored.expected,
        stored.actual,
        stored.output,
        stored.exchanges[0]["curl"],
        job.report.app_log_tail,
        *job.report.packages,
        *job.report.packages.values(),
        job.report.image_digests["app"],
    ]
    for text in texts:
        assert text is not None
        assert not set(text) & {"\x00", "\x1b", "\u202e"}
        assert len(text) < 25_000
        assert "more characters are not shown" in text
    assert len(stored.exchanges) == 5
    assert job.report.timings == {"checks": 1.0}


@pytest.mark.django_db
def test_a_hostile_error_detail_is_stored_harmless() -> None:
    job = make_job()
    outcome = make_outcome(status="infrastructure_error", detail="\x00" + "x" * 1_000_000)
    assert run(job, FakeEngine(outcome)) == JobDecision.CRASHED
    assert len(job.error_detail) < 10_000
