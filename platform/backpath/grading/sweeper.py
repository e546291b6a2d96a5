"""What makes up for lost messages and lost workers: a look at the rows, every few seconds.

Nothing here depends on what an earlier look found, so a sweeper may die at any point, and
several may run at once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q

from backpath.grading import jobs, selectors
from backpath.grading.clock import database_now
from backpath.grading.models import GradingJob

logger = logging.getLogger(__name__)

# The pause between two messages for one job doubles up to this many times.
MAX_DOUBLINGS: Final = 3


@dataclass(frozen=True)
class SweepResult:
    """How many leases had run out, and how many jobs were sent to the workers again."""

    expired: int
    sent: int


def sweep(send_job: Callable[[GradingJob], bool]) -> SweepResult:
    """Crash jobs whose lease has run out, and send what is due by `send_job`."""
    expired = sum(jobs.expire_job(job.pk) for job in selectors.expired_jobs())
    sent = sum(send_job(job) for job in _due_jobs())
    if expired or sent:
        logger.warning("Swept", extra={"expired": expired, "sent": sent})
    return SweepResult(expired=expired, sent=sent)


def _due_jobs() -> list[GradingJob]:
    """Claimable jobs that were never sent, or so long ago that the message may be lost.

    The more often a job was sent, the longer the pause: a queue that is merely long must
    not fill up with repetitions. A job that a worker handed back for want of an engine
    counts as never sent, but waits until a worker can run it.
    """
    now = database_now()
    pause = timedelta(seconds=settings.BACKPATH_REQUEUE_SECONDS)
    is_due = Q(enqueued_at=None)
    for times in range(1, MAX_DOUBLINGS + 1):
        is_due |= Q(enqueue_count=times, enqueued_at__lt=now - pause * 2 ** (times - 1))
    is_due |= Q(enqueue_count__gt=MAX_DOUBLINGS, enqueued_at__lt=now - pause * 2**MAX_DOUBLINGS)
    due = selectors.claimable_jobs().filter(is_due)
    can_run: dict[str, bool] = {}
    found = []
    for job in due:
        if job.enqueued_at is None and job.enqueue_count:
            if job.queue not in can_run:
                can_run[job.queue] = selectors.grader_status(job.queue).is_available
            if not can_run[job.queue]:
                continue
        found.append(job)
    return found
