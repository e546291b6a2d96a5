"""What grading knows, read-only. Everything a page shows of a submission comes from here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, QuerySet

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.grading.clock import database_now
from backpath.grading.models import (
    CheckResult,
    GraderHeartbeat,
    GradingJob,
    JobEvent,
    Report,
    Submission,
)
from backpath.grading.turns import its_turn

State = GradingJob.State


class SubmissionStatus(StrEnum):
    """What a submission is at, derived from its latest job."""

    QUEUED = "queued"
    RUNNING = "running"
    DECIDED = "decided"
    # Every attempt crashed: our fault, and it says so.
    FAULT = "fault"
    CANCELED = "canceled"


_STATUS_OF = {
    State.QUEUED: SubmissionStatus.QUEUED,
    State.RUNNING: SubmissionStatus.RUNNING,
    State.FINISHED: SubmissionStatus.DECIDED,
    State.CRASHED: SubmissionStatus.FAULT,
    State.CANCELED: SubmissionStatus.CANCELED,
}


@dataclass(frozen=True)
class SubmissionState:
    """A submission, its latest job and, once decided, its report (None until then)."""

    submission: Submission
    job: GradingJob
    report: Report | None

    @property
    def status(self) -> SubmissionStatus:
        return _STATUS_OF[State(self.job.state)]

    @property
    def is_open(self) -> bool:
        """Whether something is still going to happen without anybody's doing."""
        return self.job.state in GradingJob.OPEN_STATES

    @property
    def attempt(self) -> int:
        """1 for the first job; more after faults of ours."""
        return self.job.attempt

    @property
    def phase(self) -> str:
        return self.job.phase


@dataclass(frozen=True)
class QueuePosition:
    """How many steps away a queued job is.

    `queue_position` counts from 1 over the learners' jobs waiting in the same queue;
    `waiting_behind_own` is how many open jobs of the same learner and assignment come first.
    """

    queue_position: int
    waiting_behind_own: int


@dataclass(frozen=True)
class GraderStatus:
    """Whether somebody is there to grade. `message` and `remedy` are for staff."""

    is_available: bool
    message: str
    remedy: str


@dataclass(frozen=True)
class CheckChange:
    """One check compared with the report before. `before` is None for a new check."""

    check_id: str
    title: str
    before: str | None
    after: str

    @property
    def is_better(self) -> bool:
        return self.after == "passed" and self.before != "passed"

    @property
    def is_worse(self) -> bool:
        return self.before == "passed" and self.after != "passed"


@dataclass(frozen=True)
class Comparison:
    """What changed since the learner's report before. `changes` has changed checks only."""

    previous: Report
    score_change: int
    changes: list[CheckChange]
    is_same_grader: bool


# Submissions --------------------------------------------------------------------------


def visible_submissions(user: User | AnonymousUser) -> QuerySet[Submission]:
    """The submissions that `user` may see: their own, or all for staff."""
    submissions = Submission.objects.select_related("assignment", "learner")
    if not user.is_authenticated:
        return submissions.none()
    return submissions if user.is_staff else submissions.filter(learner=user)


def submission_state(submission: Submission) -> SubmissionState:
    """The state of one submission."""
    return submission_states([submission])[0]


def submission_states(submissions: Iterable[Submission]) -> list[SubmissionState]:
    """The states of several submissions, in their order, with one query for all."""
    wanted = list(submissions)
    latest: dict[UUID, GradingJob] = {}
    jobs = GradingJob.objects.filter(submission__in=wanted).select_related("report")
    for job in jobs.order_by("attempt"):
        latest[job.submission_id] = job
    return [
        SubmissionState(
            submission=submission,
            job=latest[submission.pk],
            report=getattr(latest[submission.pk], "report", None),
        )
        for submission in wanted
    ]


def earlier_attempts(learner: User, assignment: Assignment) -> list[SubmissionState]:
    """Everything the learner handed in for the assignment, newest first."""
    return submission_states(
        Submission.objects.filter(learner=learner, assignment=assignment)
        .select_related("assignment", "learner")
        .order_by("-number")
    )


def learner_submissions(learner: User, *, limit: int = 200) -> list[SubmissionState]:
    """The learner's submissions over all assignments, newest first."""
    return submission_states(
        Submission.objects.filter(learner=learner)
        .select_related("assignment", "learner")
        .order_by("-created_at", "-pk")[:limit]
    )


def best_reports(learner: User) -> dict[UUID, Report]:
    """The learner's best report of each assignment, by assignment id.

    A passed report beats every other; then the score decides, then the older one.
    """
    best: dict[UUID, Report] = {}
    reports = Report.objects.filter(job__learner=learner).select_related("job__submission")
    for report in reports.order_by("created_at", "pk"):
        known = best.get(report.job.assignment_id)
        if known is None or _rank(report) > _rank(known):
            best[report.job.assignment_id] = report
    return best


def passed_assignment_slugs(learner: User) -> set[str]:
    """The slugs of the assignments that the learner has passed at least once. One query."""
    passed = Report.objects.filter(job__learner=learner, verdict=Report.Verdict.PASSED)
    return set(passed.values_list("job__assignment__slug", flat=True).distinct())


def _rank(report: Report) -> tuple[bool, int]:
    return report.verdict == Report.Verdict.PASSED, report.percent


# Reports ------------------------------------------------------------------------------


def report_of(submission: Submission) -> Report | None:
    """The latest report of a submission with its job and check results, or None."""
    results = CheckResult.objects.order_by("position")
    return (
        Report.objects.filter(job__submission=submission)
        .select_related("job__submission__assignment", "job__submission__learner")
        .prefetch_related(Prefetch("results", queryset=results))
        .order_by("-job__attempt")
        .first()
    )


def compare_with_previous(report: Report) -> Comparison | None:
    """What changed since the report before, or None for the first one."""
    previous = (
        Report.objects.filter(
            job__learner=report.job.learner_id,
            job__assignment=report.job.assignment_id,
            job__submission_number__lt=report.job.submission_number,
        )
        .select_related("job__submission")
        .order_by("-job__submission_number", "-job__attempt")
        .first()
    )
    if previous is None:
        return None
    before = {result.check_id: result.outcome for result in previous.results.all()}
    changes = [
        CheckChange(result.check_id, result.title, before.get(result.check_id), result.outcome)
        for result in report.results.all()
        if before.get(result.check_id) != result.outcome
    ]
    return Comparison(
        previous=previous,
        score_change=report.score - previous.score,
        changes=changes,
        is_same_grader=report.grader_hash == previous.grader_hash,
    )


# Queue --------------------------------------------------------------------------------


def queue_position(job: GradingJob) -> QueuePosition | None:
    """Where a queued job stands, or None when it does not wait."""
    if job.state != State.QUEUED:
        return None
    ahead = GradingJob.objects.filter(state=State.QUEUED, queue=job.queue).filter(
        Q(requested_at__lt=job.requested_at) | Q(requested_at=job.requested_at, pk__lt=job.pk)
    )
    own = GradingJob.objects.filter(
        learner=job.learner_id, assignment=job.assignment_id, state__in=GradingJob.OPEN_STATES
    ).filter(Q(state=State.RUNNING) | Q(submission_number__lt=job.submission_number))
    return QueuePosition(
        queue_position=ahead.count() + 1, waiting_behind_own=own.exclude(pk=job.pk).count()
    )


def claimable_jobs() -> QuerySet[GradingJob]:
    """Queued jobs whose turn it is: nothing of the same learner and assignment comes first."""
    return GradingJob.objects.filter(its_turn(database_now()), state=State.QUEUED).order_by(
        "requested_at", "pk"
    )


def next_job_after(job_id: UUID) -> GradingJob | None:
    """The job of the same learner and assignment whose turn it is now, if there is one."""
    job = GradingJob.objects.filter(pk=job_id).first()
    if job is None:
        return None
    return claimable_jobs().filter(learner=job.learner_id, assignment=job.assignment_id).first()


def expired_jobs() -> QuerySet[GradingJob]:
    """Running jobs whose lease has run out."""
    return GradingJob.objects.filter(state=State.RUNNING, lease_expires_at__lt=database_now())


def stuck_jobs(*, queued_longer_than: timedelta = timedelta(minutes=5)) -> QuerySet[GradingJob]:
    """What an operator should look at: expired leases, and queued jobs that nobody takes."""
    now = database_now()
    return GradingJob.objects.filter(
        Q(state=State.RUNNING, lease_expires_at__lt=now)
        | Q(state=State.QUEUED, requested_at__lt=now - queued_longer_than)
    )


def running_job_ids() -> frozenset[str]:
    """The ids of all running jobs, as the engine knows them."""
    running = GradingJob.objects.filter(state=State.RUNNING).values_list("pk", flat=True)
    return frozenset(str(job_id) for job_id in running)


def grader_status(queue: str) -> GraderStatus:
    """Whether a worker that serves `queue` was seen lately and can run jobs."""
    alive = heartbeats_since(database_now() - heartbeat_lifetime())
    serving = [beat for beat in alive if queue in beat.queues]
    if any(beat.is_ok for beat in serving):
        return GraderStatus(is_available=True, message="", remedy="")
    if serving:
        return GraderStatus(
            is_available=False, message=serving[0].message, remedy=serving[0].remedy
        )
    return GraderStatus(
        is_available=False,
        message="No worker is running.",
        remedy="Start a worker: `celery -A backpath.config worker -Q exercises,projects`.",
    )


def heartbeat_lifetime() -> timedelta:
    """How long after its last heartbeat a worker still counts as there."""
    return timedelta(seconds=3 * settings.BACKPATH_HEARTBEAT_SECONDS)


def heartbeats_since(moment: datetime) -> list[GraderHeartbeat]:
    """Heartbeats after `moment`, latest first."""
    return list(GraderHeartbeat.objects.filter(seen_at__gt=moment).order_by("-seen_at"))


# Events -------------------------------------------------------------------------------


def events_after(submission_id: UUID, event_id: int) -> list[JobEvent]:
    """The events of all jobs of a submission with a greater id, in order."""
    return list(
        JobEvent.objects.filter(job__submission=submission_id, pk__gt=event_id).order_by("pk")
    )


def live_checks(job: GradingJob) -> list[dict[str, Any]]:
    """What the running job reported so far: `check_id`, `title`, `outcome`, `points`."""
    return list(
        job.events.filter(kind=JobEvent.Kind.CHECK)
        .order_by("sequence")
        .values_list("payload", flat=True)
    )
