"""One job, from claim to report: its turn, its order, what operators do with it."""

import threading

import pytest
from django.db import connection
from pytest_django import Settings

from backpath.execution.engine import EngineHealth, RunRequest
from backpath.execution.outcome import LimitHit
from backpath.grading import jobs
from backpath.grading.clock import database_now
from backpath.grading.jobs import JobDecision, cancel_job, claim_job, expire_job, run_job
from backpath.grading.models import CheckResult, GradingJob, JobEvent, Report
from tests.grading.factories import (
    CHECKS,
    make_assignment,
    make_bundle,
    make_check,
    make_exchange,
    make_job,
    make_outcome,
    make_submission,
    make_tar,
    make_user,
)
from tests.grading.fakes import FakeEngine, OnEvent, ShouldStop
from tests.grading.running import events_of, run

State = GradingJob.State


# The way it should go ------------------------------------------------------------------


@pytest.mark.django_db
def test_a_job_becomes_a_report() -> None:
    assignment = make_assignment(grader=make_tar({"test_all.py": b"pass\n"}))
    bundle = make_bundle()
    job = make_job(make_submission(assignment=assignment, bundle=bundle))
    failed = make_check(
        "read.list", "failed", expected="200", actual="404", exchanges=[make_exchange()]
    )
    outcome = make_outcome(
        checks=[make_check("start.health"), failed, make_check("read.secret")],
        app_log_tail="started\n",
    )
    engine = FakeEngine(outcome)
    assert run(job, engine) == JobDecision.FINISHED

    assert (job.state, job.worker, job.fencing_number) == (State.FINISHED, "w1", 1)
    assert job.grader_hash == assignment.grader_hash
    assert job.lease_expires_at is None
    moments = [
        job.requested_at,
        job.claimed_at,
        job.started_at,
        job.finished_at,
        job.reported_at,
    ]
    assert None not in moments
    assert moments == sorted(moments)

    report = job.report
    assert (report.verdict, report.score, report.max_score) == ("failed", 50, 100)
    assert report.counts == {"passed": 2, "failed": 1}
    assert report.definition["checks"] == CHECKS
    assert report.pass_score == 80
    assert (report.seed, report.grader_hash) == (job.seed, assignment.grader_hash)
    assert report.image_digests == {"app": "sha256:aa", "runner": "sha256:bb"}
    assert report.packages == {"flask": "3.1.0"}
    assert report.timings == {"sandbox": 0.4, "app_start": 0.2, "checks": 1.5, "total": 2.1}
    assert report.app_log_tail == "started\n"

    result = report.results.get(check_id="read.list")
    assert (result.position, result.group, result.title) == (2, "read", "GET /articles lists")
    assert (result.outcome, result.points, result.max_points) == ("failed", 0, 50)
    assert (result.expected, result.actual) == ("200", "404")
    assert result.exchanges[0]["curl"] == "curl http://localhost/articles"

    request = engine.requests[0]
    assert request.job_id == str(job.pk)
    assert request.submission_tar == bundle.tar
    assert request.grader_tar == make_tar({"test_all.py": b"pass\n"})
    assert request.seed == job.seed
    assert [check["id"] for check in request.manifest["checks"]] == [c["id"] for c in CHECKS]
    assert set(request.manifest) == {"checks", "groups", "limits", "services"}


@pytest.mark.django_db
def test_the_limit_and_the_origin_are_kept_clean() -> None:
    job = make_job()
    outcome = make_outcome(origin="warm", limit=LimitHit("disk", 128.0, 127.996, "MiB"))
    run(job, FakeEngine(outcome))
    report = job.report
    assert report.origin == "warm"
    assert report.limit == {"kind": "disk", "limit": 128.0, "used": 128.0, "unit": "MiB"}
    assert Report.objects.filter(limit__kind="disk").get() == report


@pytest.mark.django_db
def test_a_limit_and_an_origin_that_nobody_knows_are_left_out() -> None:
    job = make_job()
    outcome = make_outcome(origin="<script>", limit=LimitHit("\x00", 1.0, 1.0, "MiB"))
    run(job, FakeEngine(outcome))
    assert (job.report.origin, job.report.limit) == ("", None)
    assert Report.objects.filter(limit__isnull=True).count() == 1


@pytest.mark.django_db
def test_events_are_kept_in_order() -> None:
    job = make_job()
    run(job)
    assert events_of(job) == [
        ("phase", {"name": "starting"}),
        ("phase", {"name": "app_starting"}),
        ("phase", {"name": "checking"}),
        *(
            (
                "check",
                {
                    "check_id": check["id"],
                    "title": check["title"],
                    "outcome": "passed",
                    "points": check["points"],
                },
            )
            for check in CHECKS
        ),
        ("phase", {"name": "finishing"}),
        ("decided", {}),
    ]
    sequences = job.events.order_by("pk").values_list("sequence", flat=True)
    assert list(sequences) == list(range(1, 9))
    assert job.event_count == 8


@pytest.mark.django_db
def test_the_phase_is_seen_while_it_lasts() -> None:
    job = make_job()
    seen: list[tuple[str, str]] = []

    def look(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        job.refresh_from_db()
        seen.append((job.state, job.phase))

    run(job, FakeEngine(on_run=look))
    assert seen == [("running", "starting")]
    assert job.phase == ""


@pytest.mark.django_db
def test_the_wall_clock_stays_below_the_hard_limit(settings: Settings) -> None:
    settings.BACKPATH_HARD_LIMIT_SECONDS = 150
    job = make_job()
    engine = FakeEngine()
    run(job, engine)
    assert engine.requests[0].manifest["limits"]["wall_seconds"] == 30


# Claiming ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("state", [s for s in State if s != State.QUEUED])
def test_only_queued_jobs_are_claimed(state: State) -> None:
    job = make_job(state=state, worker="other")
    engine = FakeEngine()
    assert run(job, engine) == JobDecision.REFUSED
    assert (job.state, job.worker) == (state, "other")
    assert engine.requests == []


@pytest.mark.django_db
def test_a_message_delivered_again_does_no_harm() -> None:
    job = make_job()
    assert run(job) == JobDecision.FINISHED
    assert run(job, worker="w2") == JobDecision.REFUSED
    assert job.worker == "w1"
    assert Report.objects.count() == 1


@pytest.mark.django_db
def test_a_job_that_does_not_exist_is_refused() -> None:
    job = make_job()
    job_id = job.pk
    job.delete()
    assert run_job(job_id=job_id, engine=FakeEngine(), worker_name="w") == JobDecision.REFUSED


@pytest.mark.django_db
def test_waiting_jobs_keep_their_order() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second, third = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(3)
    )
    assert run(third) == JobDecision.REFUSED
    assert run(second) == JobDecision.REFUSED
    first_claim = claim_job(job_id=first.pk, worker_name="w")
    assert first_claim is not None
    # The first runs now, which keeps the second waiting just the same.
    assert run(second) == JobDecision.REFUSED
    GradingJob.objects.filter(pk=first.pk).update(state=State.FINISHED)
    assert run(third) == JobDecision.REFUSED
    assert run(second) == JobDecision.FINISHED
    assert run(third) == JobDecision.FINISHED


@pytest.mark.django_db
def test_jobs_of_others_and_for_other_assignments_do_not_wait() -> None:
    learner, assignment = make_user(), make_assignment()
    first = make_job(make_submission(learner=learner, assignment=assignment))
    elsewhere = make_job(make_submission(learner=learner))
    other = make_job(make_submission(assignment=assignment))
    assert claim_job(job_id=first.pk, worker_name="w")
    assert claim_job(job_id=elsewhere.pk, worker_name="w")
    assert claim_job(job_id=other.pk, worker_name="w")


@pytest.mark.django_db
def test_a_canceled_job_holds_nobody_up() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    cancel_job(first.pk)
    assert run(second) == JobDecision.FINISHED


@pytest.mark.django_db
def test_the_database_refuses_two_running_jobs() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    GradingJob.objects.filter(pk=first.pk).update(state=State.RUNNING)
    with pytest.raises(Exception, match=r"(?i)unique"):
        GradingJob.objects.filter(pk=second.pk).update(state=State.RUNNING)


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_for_one_job() -> None:
    job = make_job()
    start = threading.Barrier(4)
    decisions: list[JobDecision] = []

    def work(number: int) -> None:
        try:
            start.wait()
            decisions.append(run_job(job_id=job.pk, engine=FakeEngine(), worker_name=f"w{number}"))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(decisions) == ["finished", "refused", "refused", "refused"]
    assert Report.objects.count() == 1
    assert CheckResult.objects.count() == len(CHECKS)


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_for_the_jobs_of_one_learner() -> None:
    learner, assignment = make_user(), make_assignment()
    waiting = [make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(4)]
    start = threading.Barrier(4)
    running: list[int] = []
    most = []

    def look(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        running.append(1)
        most.append(len(running))
        running.pop()

    def work(job: GradingJob) -> None:
        try:
            start.wait()
            run_job(job_id=job.pk, engine=FakeEngine(on_run=look), worker_name="w")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finished = GradingJob.objects.filter(state=State.FINISHED).order_by("submission_number")
    numbers = list(finished.values_list("submission_number", flat=True))
    # Whoever was too early was refused; who ran, ran alone and in order.
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
    assert set(most) == {1}


# No engine -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_without_an_engine_the_job_stays_queued() -> None:
    job = make_job(enqueued_at=database_now(), enqueue_count=1)
    down = FakeEngine(health=EngineHealth(ok=False, message="no Docker", remedy="start it"))
    assert run(job, down) == JobDecision.NO_ENGINE
    assert (job.state, job.attempt, job.fencing_number) == (State.QUEUED, 1, 0)
    assert job.enqueued_at is None
    assert down.requests == []


# What operators do -----------------------------------------------------------------------


@pytest.mark.django_db
def test_canceling_a_queued_job() -> None:
    job = make_job()
    assert cancel_job(job.pk)
    job.refresh_from_db()
    assert job.state == State.CANCELED
    assert events_of(job) == [("decided", {})]
    assert not cancel_job(job.pk)
    assert job.events.count() == 1


@pytest.mark.django_db
def test_retrying_goes_beyond_the_automatic_attempts() -> None:
    job = make_job(state=State.CRASHED, attempt=3)
    retry = jobs.retry_job(job.submission)
    assert (retry.attempt, retry.retry_of, retry.not_before) == (4, job, None)
    assert run(retry) == JobDecision.FINISHED


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FINISHED])
def test_only_what_failed_is_retried(state: State) -> None:
    job = make_job(state=state)
    with pytest.raises(jobs.NothingToRetry):
        jobs.retry_job(job.submission)
    assert GradingJob.objects.count() == 1


@pytest.mark.django_db
def test_a_job_whose_lease_lives_does_not_expire() -> None:
    job = make_job()
    assert claim_job(job_id=job.pk, worker_name="w")
    assert not expire_job(job.pk)
    job.refresh_from_db()
    assert job.state == State.RUNNING


@pytest.mark.django_db
def test_a_check_event_carries_the_points_of_the_definition() -> None:
    job = make_job()
    outcome = make_outcome(
        checks=[
            make_check("start.health"),
            make_check("read.list", "failed"),
            make_check("read.secret"),
        ]
    )
    run(job, FakeEngine(outcome))
    points = [payload["points"] for kind, payload in events_of(job) if kind == JobEvent.Kind.CHECK]
    assert points == [20, 0, 30]
