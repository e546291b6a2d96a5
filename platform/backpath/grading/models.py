"""What was handed in, every run of it, and what the runs found."""

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from backpath.catalog.models import Assignment
from backpath.core.models import IdentifiedModel


class Submission(IdentifiedModel):
    """Immutable files that a learner handed in for an assignment.

    It stores no status: `selectors.submission_state` derives it from the jobs. The files
    are one tar archive in the `submissions` storage, named by `content_hash`.
    """

    class Source(models.TextChoices):
        ARCHIVE = "archive", "Archive"
        FILES = "files", "Files"
        FOLDER = "folder", "Folder"

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="submissions"
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    content_hash = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    file_count = models.PositiveIntegerField()
    # [{"path": str, "size": int}, …], sorted by path.
    files = models.JSONField(default=list)
    source = models.CharField(max_length=16, choices=Source)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "assignment", "number"], name="submission_number_unique"
            ),
            models.UniqueConstraint(
                fields=["learner", "assignment", "content_hash"], name="submission_content_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assignment} #{self.number} of {self.learner}"


class GradingJob(IdentifiedModel):
    """One run of a grader against a submission. A retry or a regrade is a new row.

    The row is the truth about the run; a broker message only says when to look. `state`
    changes through `lifecycle` alone. `learner`, `assignment` and `submission_number`
    repeat what the submission says, so that the order of jobs is decided in one table.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        CRASHED = "crashed", "Crashed"
        CANCELED = "canceled", "Canceled"

    # States that something is still going to happen from.
    OPEN_STATES = (State.QUEUED, State.RUNNING)

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="jobs")
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="+")
    submission_number = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    retry_of = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retry"
    )
    queue = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)

    requested_at = models.DateTimeField(default=timezone.now)
    # A retry waits until then.
    not_before = models.DateTimeField(null=True, blank=True)
    # When the last message was sent, and how many were.
    enqueued_at = models.DateTimeField(null=True, blank=True)
    enqueue_count = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    worker = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # Raised by each claim: what an earlier holder writes later no longer counts.
    fencing_number = models.PositiveIntegerField(default=0)
    event_count = models.PositiveIntegerField(default=0)
    phase = models.CharField(max_length=32, blank=True)

    error_code = models.CharField(max_length=64, blank=True)
    # For operators only: may name hosts, paths and hidden checks.
    error_detail = models.TextField(blank=True)

    grader_hash = models.CharField(max_length=64, blank=True)
    image_digests = models.JSONField(default=dict, blank=True)
    packages = models.JSONField(default=dict, blank=True)
    seed = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "assignment"],
                condition=models.Q(state="running"),
                name="one_running_job",
            ),
            models.UniqueConstraint(fields=["submission", "attempt"], name="job_attempt_unique"),
        ]
        indexes = [
            models.Index(fields=["state", "queue", "requested_at"], name="job_state_queue_index"),
            models.Index(
                fields=["learner", "assignment", "submission_number"], name="job_order_index"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"


class JobEvent(models.Model):
    """Something that happened to a job, in order; what the live page is fed from."""

    class Kind(models.TextChoices):
        PHASE = "phase", "Phase"
        CHECK = "check", "Check"
        RESTARTED = "restarted", "Restarted"
        DECIDED = "decided", "Decided"

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(GradingJob, on_delete=models.CASCADE, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "sequence"], name="event_sequence_unique")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence} of {self.job_id}"


class Report(models.Model):
    """The verdict of one finished job, with everything needed to explain it later."""

    class Verdict(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        ERRORED = "errored", "Errored"
        TIMED_OUT = "timed_out", "Timed out"
        OUT_OF_MEMORY = "out_of_memory", "Out of memory"

    class Origin(models.TextChoices):
        WARM = "warm", "Warm"
        COLD = "cold", "Cold"

    id = models.BigAutoField(primary_key=True)
    job = models.OneToOneField(GradingJob, on_delete=models.CASCADE, related_name="report")
    verdict = models.CharField(max_length=16, choices=Verdict)
    score = models.PositiveIntegerField()
    max_score = models.PositiveIntegerField()
    # Outcome -> number of checks.
    counts = models.JSONField(default=dict)
    seed = models.PositiveBigIntegerField()
    grader_hash = models.CharField(max_length=64)
    image_digests = models.JSONField(default=dict)
    packages = models.JSONField(default=dict)
    # Seconds: sandbox, app_start, checks, total.
    timings = models.JSONField(default=dict)
    # The limit that decided the verdict or that failed checks met:
    # {"kind": str, "limit": number, "used": number or null, "unit": str}.
    limit = models.JSONField(null=True, blank=True)
    # Whether the sandbox came from the pool; empty for reports from before that was kept.
    origin = models.CharField(max_length=8, choices=Origin, blank=True, default="")
    app_log_tail = models.TextField(blank=True)
    # Groups, checks and pass_score as they were when the job ran.
    definition = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.verdict} {self.score}/{self.max_score}"

    @property
    def percent(self) -> int:
        """The score in whole percent, rounded down: 79.9 % is not yet 80 %."""
        return self.score * 100 // self.max_score if self.max_score else 0

    @property
    def pass_score(self) -> int:
        """Percent needed to pass."""
        return int(self.definition["pass_score"])

    @property
    def groups(self) -> list[dict[str, Any]]:
        return list(self.definition["groups"])


class CheckResult(models.Model):
    """One check's outcome. All texts came out of the sandbox: show them as text only."""

    class Outcome(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        LEARNER_ERROR = "learner_error", "Error in the app"
        TIMED_OUT = "timed_out", "Timed out"
        NOT_REACHED = "not_reached", "Not reached"

    id = models.BigAutoField(primary_key=True)
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="results")
    position = models.PositiveSmallIntegerField()
    check_id = models.CharField(max_length=100)
    group = models.CharField(max_length=100)
    title = models.CharField(max_length=300)
    outcome = models.CharField(max_length=16, choices=Outcome)
    points = models.PositiveIntegerField()
    max_points = models.PositiveIntegerField()
    message = models.TextField(blank=True)
    expected = models.TextField(null=True, blank=True)
    actual = models.TextField(null=True, blank=True)
    # [{"curl", "method", "path", "status", "response_headers", "response_body",
    #   "elapsed_ms", "error"}, …], the last exchange last.
    exchanges = models.JSONField(default=list)
    output = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ["report", "position"]
        constraints = [
            models.UniqueConstraint(fields=["report", "check_id"], name="result_check_unique"),
            models.UniqueConstraint(fields=["report", "position"], name="result_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.outcome}"


class GraderHeartbeat(models.Model):
    """A worker that said it is there, and whether its engine can run jobs."""

    worker = models.CharField(max_length=200, primary_key=True)
    queues = models.JSONField(default=list)
    is_ok = models.BooleanField()
    message = models.CharField(max_length=500, blank=True)
    remedy = models.CharField(max_length=500, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["worker"]

    def __str__(self) -> str:
        return f"{self.worker} ({'ok' if self.is_ok else 'not ok'})"
