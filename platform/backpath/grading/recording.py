"""Writing down what happens to a job: events while it runs, the report at its end."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F

from backpath.execution.engine import RunEvent
from backpath.execution.outcome import PHASE_NAMES, CheckFinished, Phase, RunOutcome
from backpath.grading import lifecycle
from backpath.grading.clock import database_now
from backpath.grading.lease import Claim, Lease
from backpath.grading.models import CheckResult, GradingJob, JobEvent, Report
from backpath.grading.scoring import LEARNER_OUTCOMES, Scored, points_of
from backpath.grading.text import (
    LOG_LIMIT,
    NAME_LIMIT,
    clean_limit,
    clean_mapping,
    clean_text,
    clean_timings,
)

logger = logging.getLogger(__name__)

PACKAGES_KEPT: Final = 400


def append_event(job_id: UUID, *, kind: JobEvent.Kind, payload: Mapping[str, Any]) -> JobEvent:
    """Add an event to a job. Call it in the transaction that changed the job."""
    GradingJob.objects.filter(pk=job_id).update(event_count=F("event_count") + 1)
    sequence = GradingJob.objects.values_list("event_count", flat=True).get(pk=job_id)
    return JobEvent.objects.create(
        job_id=job_id, sequence=sequence, kind=kind, payload=dict(payload)
    )


class EventRecorder:
    """Persists the events of a running job, as long as its claim holds.

    An event only feeds the live page, so one that cannot be written never ends the run.
    Each check is recorded once, and only if the definition knows it.
    """

    def __init__(self, *, claim: Claim, lease: Lease, definition: Mapping[str, Any]) -> None:
        self._claim = claim
        self._lease = lease
        self._unreported = {check["id"]: check for check in definition["checks"]}
        self._phases_left = list(PHASE_NAMES)

    def __call__(self, event: RunEvent) -> None:
        try:
            if isinstance(event, Phase):
                self._record_phase(event)
            elif isinstance(event, CheckFinished):
                self._record_check(event)
        except DatabaseError:
            logger.warning(
                "Cannot record an event", exc_info=True, extra={"job": str(self._claim.job_id)}
            )

    def _record_phase(self, event: Phase) -> None:
        if event.name not in self._phases_left:
            return
        self._phases_left.remove(event.name)
        changes: dict[str, Any] = {"phase": event.name}
        if event.name == PHASE_NAMES[0]:
            changes["started_at"] = database_now()
        self._record(JobEvent.Kind.PHASE, {"name": event.name}, **changes)

    def _record_check(self, event: CheckFinished) -> None:
        if event.outcome not in LEARNER_OUTCOMES:
            return
        check = self._unreported.pop(event.check_id, None)
        if check is None:
            return
        self._record(
            JobEvent.Kind.CHECK,
            {
                "check_id": check["id"],
                "title": check["title"],
                "outcome": event.outcome,
                "points": points_of(check, event.outcome),
            },
        )

    def _record(self, kind: JobEvent.Kind, payload: dict[str, Any], **changes: Any) -> None:
        if self._lease.is_lost():
            return
        with transaction.atomic():
            # The update takes the row's lock, so the claim still holds when the event is written.
            held = GradingJob.objects.filter(self._claim.holds).update(
                event_count=F("event_count") + 1, **changes
            )
            if held:
                sequence = GradingJob.objects.values_list("event_count", flat=True).get(
                    pk=self._claim.job_id
                )
                JobEvent.objects.create(
                    job_id=self._claim.job_id, sequence=sequence, kind=kind, payload=payload
                )
        if not held:
            self._lease.give_up()


def finish_job(
    claim: Claim,
    *,
    definition: Mapping[str, Any],
    scored: Scored,
    outcome: RunOutcome,
    finished_at: datetime,
) -> Report | None:
    """Store the report and mark the job finished, in one transaction.

    `finished_at` is when the engine returned. Returns None, and writes nothing, when the
    claim no longer holds.
    """
    digests = clean_mapping(outcome.image_digests, limit=NAME_LIMIT, entries=10)
    packages = clean_mapping(outcome.packages, limit=NAME_LIMIT, entries=PACKAGES_KEPT)
    with transaction.atomic():
        is_ours = lifecycle.transition(
            claim.job_id,
            to=GradingJob.State.FINISHED,
            only_if=claim.holds,
            finished_at=finished_at,
            reported_at=database_now(),
            lease_expires_at=None,
            phase="",
            image_digests=digests,
            packages=packages,
        )
        if not is_ours:
            return None
        job = GradingJob.objects.get(pk=claim.job_id)
        report = Report.objects.create(
            job=job,
            verdict=scored.verdict,
            score=scored.score,
            max_score=scored.max_score,
            counts=scored.counts,
            seed=job.seed,
            grader_hash=job.grader_hash,
            image_digests=digests,
            packages=packages,
            timings=clean_timings(outcome.timings),
            limit=clean_limit(outcome.limit),
            origin=outcome.origin if outcome.origin in Report.Origin.values else "",
            app_log_tail=clean_text(outcome.app_log_tail, limit=LOG_LIMIT, keep="end"),
            definition=dict(definition),
        )
        CheckResult.objects.bulk_create(
            CheckResult(report=report, **vars(check)) for check in scored.checks
        )
        append_event(claim.job_id, kind=JobEvent.Kind.DECIDED, payload={})
    return report
