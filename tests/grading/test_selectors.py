"""What pages read of grading."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from backpath.catalog.models import Assignment
from backpath.execution.outcome import RunOutcome
from backpath.grading import selectors
from backpath.grading.clock import database_now
from backpath.grading.jobs import run_job
from backpath.grading.models import GradingJob, Report, Submission
from backpath.grading.selectors import QueuePosition, SubmissionStatus
from tests.grading.factories import (
    CHECKS,
    make_assignment,
    make_check,
    make_job,
    make_outcome,
    make_submission,
    make_user,
)
from tests.grading.fakes import FakeEngine

State = GradingJob.State
pytestmark = pytest.mark.django_db


def outcome_of(*outcomes: str) -> RunOutcome:
    return make_outcome(
        checks=[
            make_check(check["id"], outcome)
            for check, outcome in zip(CHECKS, outcomes, strict=True)
        ]
    )


def grade(submission: Submission, outcome: RunOutcome | None = None) -> GradingJob:
    job = make_job(submission)
    run_job(job_id=job.pk, engine=FakeEngine(outcome or make_outcome()), worker_name="w")
    return job


def test_a_learner_sees_their_own_submissions_and_staff_see_all() -> None:
    mine, theirs = make_submission(), make_submission()
    assert list(selectors.visible_submissions(mine.learner)) == [mine]
    assert set(selectors.visible_submissions(make_user(is_staff=True))) == {mine, theirs}
    assert list(selectors.visible_submissions(AnonymousUser())) == []


@pytest.mark.parametrize(
    ("state", "status", "is_open"),
    [
        (State.QUEUED, SubmissionStatus.QUEUED, True),
        (State.RUNNING, SubmissionStatus.RUNNING, True),
        (State.FINISHED, SubmissionStatus.DECIDED, False),
        (State.CRASHED, SubmissionStatus.FAULT, False),
        (State.CANCELED, SubmissionStatus.CANCELED, False),
    ],
)
def test_the_state_follows_from_the_latest_job(
    state: State, status: SubmissionStatus, is_open: bool
) -> None:
    submission = make_submission()
    make_job(submission, state=State.CRASHED)
    latest = make_job(submission, state=state, attempt=3, phase="checking")
    seen = selectors.submission_state(submission)
    assert (seen.job, seen.status, seen.is_open) == (latest, status, is_open)
    assert (seen.attempt, seen.phase, seen.report) == (3, "checking", None)


def test_a_decided_submission_has_its_report() -> None:
    submission = make_submission()
    job = grade(submission)
    assert selectors.submission_state(submission).report == job.report


def test_states_of_many_take_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    learner = make_user()
    for _ in range(5):
        grade(make_submission(learner=learner))
    with django_assert_num_queries(2):
        states = selectors.learner_submissions(learner)
        assert [state.report is not None for state in states] == [True] * 5
        assert [state.submission.assignment.title for state in states]


def test_earlier_attempts_come_newest_first() -> None:
    learner, assignment = make_user(), make_assignment()
    for _ in range(3):
        make_job(make_submission(learner=learner, assignment=assignment))
    make_job(make_submission(learner=learner))
    make_job(make_submission(assignment=assignment))
    attempts = selectors.earlier_attempts(learner, assignment)
    assert [attempt.submission.number for attempt in attempts] == [3, 2, 1]


def test_the_best_report_of_each_assignment() -> None:
    learner, one, two = make_user(), make_assignment(), make_assignment()

    def hand_in(assignment: Assignment, *outcomes: str) -> Report:
        submission = make_submission(learner=learner, assignment=assignment)
        return grade(submission, outcome_of(*outcomes)).report

    hand_in(one, "failed", "passed", "passed")
    passed = hand_in(one, "passed", "passed", "passed")
    hand_in(one, "failed", "failed", "failed")
    only = hand_in(two, "passed", "failed", "failed")
    grade(make_submission(assignment=two))
    assert selectors.best_reports(learner) == {one.pk: passed, two.pk: only}


def test_passing_beats_a_higher_score() -> None:
    learner, assignment = make_user(), make_assignment(pass_score=50)
    # 80 points, but the blocking check failed.
    grade(
        make_submission(learner=learner, assignment=assignment),
        outcome_of("failed", "passed", "passed"),
    )
    passed = grade(
        make_submission(learner=learner, assignment=assignment),
        outcome_of("passed", "passed", "failed"),
    )
    assert selectors.best_reports(learner)[assignment.pk] == passed.report


def test_a_report_comes_with_its_results_in_order(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    submission = make_submission()
    grade(submission)
    with django_assert_num_queries(2):
        report = selectors.report_of(submission)
        assert report is not None
        assert [result.check_id for result in report.results.all()] == [c["id"] for c in CHECKS]
        assert report.job.submission.learner == submission.learner
    assert selectors.report_of(make_submission()) is None


def test_the_first_report_has_nothing_to_compare_with() -> None:
    report = grade(make_submission()).report
    assert selectors.compare_with_previous(report) is None


def test_what_changed_since_the_report_before() -> None:
    learner, assignment = make_user(), make_assignment()
    first = grade(
        make_submission(learner=learner, assignment=assignment),
        outcome_of("passed", "failed", "passed"),
    )
    # One in between that was never decided is not compared with.
    make_job(make_submission(learner=learner, assignment=assignment), state=State.CRASHED)
    second = grade(
        make_submission(learner=learner, assignment=assignment),
        outcome_of("passed", "passed", "failed"),
    )
    comparison = selectors.compare_with_previous(second.report)
    assert comparison is not None
    assert comparison.previous == first.report
    assert comparison.score_change == 20
    assert comparison.is_same_grader
    changes = [
        (change.check_id, change.before, change.after, change.is_better, change.is_worse)
        for change in comparison.changes
    ]
    assert changes == [
        ("read.list", "failed", "passed", True, False),
        ("read.secret", "passed", "failed", False, True),
    ]


def test_positions_in_the_queue() -> None:
    learner, assignment = make_user(), make_assignment()
    exercise = make_job(make_submission(assignment=make_assignment(kind="exercise")))
    other = make_job()
    first = make_job(make_submission(learner=learner, assignment=assignment))
    second = make_job(make_submission(learner=learner, assignment=assignment))
    assert selectors.queue_position(exercise) == QueuePosition(1, 0)
    assert selectors.queue_position(other) == QueuePosition(1, 0)
    assert selectors.queue_position(first) == QueuePosition(2, 0)
    assert selectors.queue_position(second) == QueuePosition(3, 1)
    GradingJob.objects.filter(pk__in=[other.pk, first.pk]).update(state=State.RUNNING)
    first.refresh_from_db()
    assert selectors.queue_position(first) is None
    assert selectors.queue_position(second) == QueuePosition(1, 1)
    GradingJob.objects.filter(pk=first.pk).update(state=State.FINISHED)
    assert selectors.queue_position(second) == QueuePosition(1, 0)


def test_the_next_job_of_the_same_learner() -> None:
    learner, assignment = make_user(), make_assignment()
    first, second = (
        make_job(make_submission(learner=learner, assignment=assignment)) for _ in range(2)
    )
    make_job()
    assert selectors.next_job_after(second.pk) == first
    GradingJob.objects.filter(pk=first.pk).update(state=State.RUNNING)
    assert selectors.next_job_after(first.pk) is None
    GradingJob.objects.filter(pk=first.pk).update(state=State.FINISHED)
    assert selectors.next_job_after(first.pk) == second


def test_stuck_jobs_are_found() -> None:
    now = database_now()
    lost = make_job(state=State.RUNNING, lease_expires_at=now - timedelta(seconds=1))
    forgotten = make_job(requested_at=now - timedelta(minutes=6))
    make_job(state=State.RUNNING, lease_expires_at=now + timedelta(seconds=30))
    make_job()
    make_job(state=State.FINISHED, requested_at=now - timedelta(days=1))
    assert set(selectors.stuck_jobs()) == {lost, forgotten}


def test_live_checks_are_those_of_the_job() -> None:
    job = grade(make_submission(), outcome_of("passed", "failed", "not_reached"))
    grade(make_submission())
    assert [(check["check_id"], check["outcome"]) for check in selectors.live_checks(job)] == [
        ("start.health", "passed"),
        ("read.list", "failed"),
        ("read.secret", "not_reached"),
    ]
