"""Celery's side of grading: thin wrappers around `jobs`, and sending messages."""

import logging
import os
from typing import Any, Final
from uuid import UUID

from celery import Task, shared_task
from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)
from django.db import DatabaseError
from django.db.models import F
from kombu.exceptions import KombuError

from backpath.grading import jobs
from backpath.grading.clock import database_now
from backpath.grading.engines import get_engine
from backpath.grading.graders import expected_manifests
from backpath.grading.heartbeat import Pulse
from backpath.grading.models import GradingJob
from backpath.grading.selectors import claimable_jobs, next_job_after

logger = logging.getLogger(__name__)

_pulses: Final[list[Pulse]] = []


@shared_task(name="grading.grade", bind=True)
def grade(self: "Task[Any, Any]", job_id: str) -> None:
    """Run one job, then send the one of the same learner that waited for it."""
    jobs.run_job(
        job_id=UUID(job_id),
        engine=get_engine(),
        worker_name=f"{self.request.hostname}/{os.getpid()}",
    )
    following = next_job_after(UUID(job_id))
    if following is not None and str(following.pk) != job_id:
        send_job(following)


def send_job(job: GradingJob) -> bool:
    """Tell the workers to look at a job. Returns whether the broker took the message.

    A broker that is away costs nobody anything: the row stays queued, and the sweeper
    sends it again.
    """
    try:
        grade.apply_async(args=(str(job.pk),), queue=job.queue)
    except (KombuError, OSError, ValueError):
        logger.warning("The broker does not answer", exc_info=True, extra={"job": str(job.pk)})
        return False
    GradingJob.objects.filter(pk=job.pk, state=GradingJob.State.QUEUED).update(
        enqueued_at=database_now(), enqueue_count=F("enqueue_count") + 1
    )
    return True


def send_if_claimable(job_id: UUID) -> None:
    """Send a job if it is its turn; otherwise the end of the job before it does."""
    job = claimable_jobs().filter(pk=job_id).first()
    if job is not None:
        send_job(job)


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    """Have containers warm before the first job comes to this process of the worker."""
    try:
        get_engine().warm_up(expected_manifests())
    except DatabaseError:
        # What is asked for will be learnt from what is asked for.
        logger.warning("Cannot tell what to warm up for", exc_info=True)


@worker_process_shutdown.connect
def _cool_down(**_: Any) -> None:
    get_engine().close()


@worker_ready.connect
def _start_pulse(sender: Any, **_: Any) -> None:
    pulse = Pulse(worker=sender.hostname, queues=list(sender.app.amqp.queues.consume_from))
    _pulses.append(pulse)
    pulse.start()


@worker_shutdown.connect
def _stop_pulse(**_: Any) -> None:
    while _pulses:
        _pulses.pop().stop()
