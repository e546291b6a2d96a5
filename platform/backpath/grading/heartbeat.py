"""A worker's sign of life, so that pages can say whether a grader is available."""

import logging
import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection

from backpath.execution.engine import Engine
from backpath.grading.clock import database_now
from backpath.grading.engines import get_engine
from backpath.grading.models import GraderHeartbeat
from backpath.grading.selectors import running_job_ids
from backpath.grading.text import clean_text

logger = logging.getLogger(__name__)

TEXT_LIMIT: Final = 400
FORGET_AFTER: Final = timedelta(days=1)
# Beats between two sweeps of left-over containers.
BEATS_PER_SWEEP: Final = 6


def beat(*, engine: Engine, worker: str, queues: Iterable[str]) -> GraderHeartbeat:
    """Note that `worker` is there, which queues it serves, and how its engine is."""
    health = engine.health()
    now = database_now()
    heartbeat, _ = GraderHeartbeat.objects.update_or_create(
        worker=worker,
        defaults={
            "queues": sorted(queues),
            "is_ok": health.ok,
            "message": clean_text(health.message, limit=TEXT_LIMIT),
            "remedy": clean_text(health.remedy, limit=TEXT_LIMIT),
            "seen_at": now,
        },
    )
    GraderHeartbeat.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    return heartbeat


def sweep_engine(engine: Engine) -> int:
    """Remove containers that no running job owns; returns how many.

    Young ones are left alone: other users of the same engine, such as somebody grading from
    the terminal, have no row here.
    """
    return engine.sweep(
        job_ids_alive=running_job_ids(), grace_seconds=settings.BACKPATH_HARD_LIMIT_SECONDS
    )


class Pulse:
    """Beats, and now and then sweeps, in a thread of its own until stopped."""

    def __init__(self, *, worker: str, queues: Iterable[str]) -> None:
        self._worker = worker
        self._queues = tuple(queues)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grader-heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and say so at once rather than by silence."""
        self._stopped.set()
        self._thread.join(timeout=5)
        GraderHeartbeat.objects.filter(worker=self._worker).delete()

    def _run(self) -> None:
        beats = 0
        while True:
            try:
                heartbeat = beat(engine=get_engine(), worker=self._worker, queues=self._queues)
                if heartbeat.is_ok and beats % BEATS_PER_SWEEP == 0:
                    removed = sweep_engine(get_engine())
                    if removed:
                        logger.warning("Removed %s left-over containers", removed)
            except DatabaseError:
                logger.warning("Cannot record a heartbeat", exc_info=True)
            except Exception:
                # The pulse must outlive whatever one beat meets.
                logger.exception("A heartbeat failed")
            finally:
                connection.close()
            beats += 1
            if self._stopped.wait(settings.BACKPATH_HEARTBEAT_SECONDS):
                return
