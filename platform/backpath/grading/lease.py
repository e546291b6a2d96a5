"""The hold that one worker has on one running job."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q

from backpath.grading.clock import database_now
from backpath.grading.models import GradingJob

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """Proof of having claimed a job: what is written under an older number no longer counts."""

    job_id: UUID
    fencing_number: int

    @property
    def holds(self) -> Q:
        """The condition under which the claimant may still write."""
        return Q(
            pk=self.job_id,
            state=GradingJob.State.RUNNING,
            fencing_number=self.fencing_number,
        )


def lease_duration() -> timedelta:
    """How long a lease lives without renewal."""
    return timedelta(seconds=settings.BACKPATH_LEASE_SECONDS)


class Lease:
    """Renews a claim from a thread of its own until the block ends.

    `is_lost` turns true when somebody else took the job, when it was canceled, when the
    database could not be asked for as long as the lease lives (then a sweeper may have
    given the job away already), and when the run goes on beyond the hard limit: an engine
    that hangs must not hold a learner's place for ever.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._seconds = float(settings.BACKPATH_LEASE_SECONDS)
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._renewed_at = time.monotonic()
        self._ends_at = self._renewed_at + settings.BACKPATH_HARD_LIMIT_SECONDS
        self._thread = threading.Thread(
            target=self._keep_renewing, name=f"lease-{claim.job_id}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def is_lost(self) -> bool:
        return self._lost.is_set()

    def give_up(self) -> None:
        """Note that a write under the claim was refused."""
        self._lost.set()

    def _keep_renewing(self) -> None:
        try:
            while not self._lost.is_set() and not self._ended.wait(self._seconds / 3):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        started_at = time.monotonic()
        if started_at > self._ends_at:
            logger.error("The run goes on beyond the hard limit", extra=self._log_fields())
            self._lost.set()
            return
        try:
            held = GradingJob.objects.filter(self._claim.holds).update(
                lease_expires_at=database_now() + lease_duration()
            )
        except DatabaseError:
            logger.warning("Cannot renew the lease", exc_info=True, extra=self._log_fields())
            connection.close()
            if time.monotonic() - self._renewed_at >= self._seconds:
                self._lost.set()
            return
        if held:
            self._renewed_at = started_at
        else:
            logger.warning("The lease is lost", extra=self._log_fields())
            self._lost.set()

    def _log_fields(self) -> dict[str, object]:
        return {
            "job": str(self._claim.job_id),
            "fencing_number": self._claim.fencing_number,
        }
