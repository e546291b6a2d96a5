"""One grading job, from being asked for to its report.

Who writes when: `request_job` makes a row; `run_job` claims it, runs it and finishes or
crashes it; `expire_job`, `cancel_job` and `retry_job` are for the sweeper and operators.
None of them sends messages: what should be looked at next is asked of `selectors`.
"""

import logging
import secrets
import traceback
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from backpath.core.errors import BackpathError, InfrastructureError
from backpath.execution.engine import Engine
from backpath.grading import lifecycle
from backpath.grading.clock import database_now
from backpath.grading.graders import build_request, definition_of
from backpath.grading.lease import Claim, Lease, lease_duration
from backpath.grading.models import GradingJob, JobEvent, Submission
from backpath.grading.recording import EventRecorder, append_event, finish_job
from backpath.grading.scoring import PlatformFault, score_run
from backpath.grading.text import clean_text
from backpath.grading.turns import its_turn

logger = logging.getLogger(__name__)

State = GradingJob.State
DETAIL_LIMIT: Final = 8_000
# Numbers that survive JSON in any language.
SEED_BITS: Final = 53


class JobDecision(StrEnum):
    """What came of `run_job`."""

    FINISHED = "finished"
    CRASHED = "crashed"
    # Not this job, or not now: done, canceled, running elsewhere, or not its turn.
    REFUSED = "refused"
    NO_ENGINE = "no_engine"
    # The claim was lost on the way; whoever took it decides.
    STALE = "stale"


def request_job(
    submission: Submission,
    *,
    attempt: int = 1,
    retry_of: GradingJob | None = None,
    delay_seconds: float = 0.0,
) -> GradingJob:
    """Queue a run of `submission`. Call it in the transaction that calls for the run."""
    assignment = submission.assignment
    now = database_now()
    return GradingJob.objects.create(
        submission=submission,
        learner_id=submission.learner_id,
        assignment=assignment,
        submission_number=submission.number,
        attempt=attempt,
        retry_of=retry_of,
        queue="exercises" if assignment.kind == "exercise" else "projects",
        requested_at=now,
        not_before=now + timedelta(seconds=delay_seconds) if delay_seconds else None,
        seed=secrets.randbits(SEED_BITS),
    )


def claim_job(*, job_id: UUID, worker_name: str) -> Claim | None:
    """Claim a queued job for a worker, or None when it is not to be had.

    Refused while the learner has another job of the assignment running, or an earlier one
    waiting: both are part of the one UPDATE, and a unique constraint stands behind them.
    """
    now = database_now()
    try:
        with transaction.atomic():
            is_claimed = lifecycle.transition(
                job_id,
                to=State.RUNNING,
                only_if=its_turn(now),
                worker=worker_name,
                claimed_at=now,
                lease_expires_at=now + lease_duration(),
                fencing_number=F("fencing_number") + 1,
            )
            if not is_claimed:
                return None
            number = GradingJob.objects.values_list("fencing_number", flat=True).get(pk=job_id)
            return Claim(job_id=job_id, fencing_number=number)
    except IntegrityError:
        # A sibling was claimed between our condition and our write.
        return None


def run_job(*, job_id: UUID, engine: Engine, worker_name: str) -> JobDecision:
    """Run one job from claim to report, or leave it alone when it is not to be had.

    Whatever goes wrong on our side crashes the job, which queues another attempt.
    """
    health = engine.health()
    if not health.ok:
        # Left queued: a sweeper sends it again when a grader is available.
        GradingJob.objects.filter(pk=job_id, state=State.QUEUED).update(enqueued_at=None)
        logger.warning("No engine: %s", health.message, extra={"job": str(job_id)})
        return JobDecision.NO_ENGINE
    claim = claim_job(job_id=job_id, worker_name=worker_name)
    if claim is None:
        return JobDecision.REFUSED
    fields = {"job": str(job_id), "fencing_number": claim.fencing_number}
    logger.info("Job claimed", extra=fields)
    with Lease(claim) as lease:
        decision = _run_claimed(claim, lease, engine)
    logger.info("Job %s", decision, extra=fields)
    return decision


def _run_claimed(claim: Claim, lease: Lease, engine: Engine) -> JobDecision:
    try:
        job = GradingJob.objects.select_related("submission", "assignment").get(pk=claim.job_id)
        definition = definition_of(job.assignment)
        GradingJob.objects.filter(claim.holds).update(grader_hash=job.assignment.grader_hash)
        recorder = EventRecorder(claim=claim, lease=lease, definition=definition)
        outcome = engine.run(build_request(job), on_event=recorder, should_stop=lease.is_lost)
        finished_at = database_now()
        scored = score_run(definition, outcome)
        if isinstance(scored, PlatformFault):
            return _crashed(claim, code=scored.code, detail=scored.detail)
        report = finish_job(
            claim,
            definition=definition,
            scored=scored,
            outcome=outcome,
            finished_at=finished_at,
        )
        return JobDecision.STALE if report is None else JobDecision.FINISHED
    except BackpathError as error:
        logger.exception("A job cannot be run", extra={"job": str(claim.job_id)})
        return _crashed(claim, code=error.code, detail=error.message)
    except Exception:
        # Anything else is a bug of ours. It must not cost the learner the submission.
        logger.exception("A job failed", extra={"job": str(claim.job_id)})
        return _crashed(claim, code="internal-error", detail=traceback.format_exc())


def _crashed(claim: Claim, *, code: str, detail: str) -> JobDecision:
    is_ours = crash_job(
        claim.job_id,
        only_if=claim.holds,
        code=code,
        detail=detail,
        delay_seconds=settings.BACKPATH_RETRY_SECONDS,
    )
    return JobDecision.CRASHED if is_ours else JobDecision.STALE


def crash_job(
    job_id: UUID, *, only_if: Q, code: str, detail: str, delay_seconds: float = 0.0
) -> bool:
    """Mark a running job crashed and queue the next attempt, if one is left.

    Returns whether it happened. After the last attempt the learner is told that it was
    our fault; an operator can still start another with `retry_job`.
    """
    with transaction.atomic():
        is_crashed = lifecycle.transition(
            job_id,
            to=State.CRASHED,
            only_if=only_if,
            finished_at=database_now(),
            lease_expires_at=None,
            phase="",
            error_code=code,
            error_detail=clean_text(detail, limit=DETAIL_LIMIT, keep="end"),
        )
        if not is_crashed:
            return False
        job = GradingJob.objects.select_related("submission__assignment").get(pk=job_id)
        if job.attempt < settings.BACKPATH_MAX_JOBS_PER_SUBMISSION:
            _start_over(job, delay_seconds=delay_seconds)
        else:
            append_event(job_id, kind=JobEvent.Kind.DECIDED, payload={})
    logger.error(
        "Job crashed: %s: %s",
        code,
        clean_text(detail, limit=200, keep="start").replace("\n", " "),
        extra={"job": str(job_id), "attempt": job.attempt},
    )
    return True


def _start_over(job: GradingJob, *, delay_seconds: float) -> GradingJob:
    retry = request_job(
        job.submission, attempt=job.attempt + 1, retry_of=job, delay_seconds=delay_seconds
    )
    append_event(retry.pk, kind=JobEvent.Kind.RESTARTED, payload={"attempt": retry.attempt})
    return retry


def expire_job(job_id: UUID) -> bool:
    """Crash a running job whose lease has run out: its worker is gone, or cannot be reached.

    Returns whether the lease had really run out.
    """
    return crash_job(
        job_id,
        only_if=Q(lease_expires_at__lt=database_now()),
        code="worker-lost",
        detail="The worker stopped renewing its lease.",
    )


def cancel_job(job_id: UUID) -> bool:
    """Cancel a job that is not decided yet; a running one is stopped by its worker.

    Returns whether it was still open.
    """
    with transaction.atomic():
        is_canceled = lifecycle.transition(
            job_id, to=State.CANCELED, finished_at=database_now(), lease_expires_at=None, phase=""
        )
        if is_canceled:
            append_event(job_id, kind=JobEvent.Kind.DECIDED, payload={})
    return is_canceled


class NothingToRetry(InfrastructureError):
    """The submission's latest job is open or decided, so there is nothing to run again."""

    code = "nothing-to-retry"


def retry_job(submission: Submission) -> GradingJob:
    """Queue another attempt of a submission whose latest job crashed or was canceled.

    Raises `NothingToRetry`, also when somebody else was faster.
    """
    try:
        with transaction.atomic():
            latest = submission.jobs.select_for_update().order_by("-attempt").first()
            if latest is None or latest.state not in {State.CRASHED, State.CANCELED}:
                raise NothingToRetry("This submission has nothing to run again.")
            return _start_over(latest, delay_seconds=0.0)
    except IntegrityError as error:
        raise NothingToRetry("This submission is being run again already.") from error
