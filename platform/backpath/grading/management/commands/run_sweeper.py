"""`manage.py run_sweeper`: sweep every few seconds until told to stop."""

import logging
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from backpath.grading.sweeper import sweep
from backpath.grading.tasks import send_job

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send lost jobs again and take jobs back from lost workers, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once and exit")
        parser.add_argument(
            "--touch", type=Path, help="file whose time is set after each sweep, for health checks"
        )

    def handle(
        self,
        *args: Any,  # noqa: ARG002 - Django's signature
        once: bool = False,
        touch: Path | None = None,
        **options: Any,  # noqa: ARG002 - Django's signature
    ) -> None:
        if once:
            result = sweep(send_job)
            self.stdout.write(f"expired: {result.expired}, sent: {result.sent}")
            return
        stopped = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        logger.info("Sweeping every %s seconds", settings.BACKPATH_SWEEP_SECONDS)
        while not stopped.is_set():
            try:
                sweep(send_job)
                if touch is not None:
                    touch.touch()
            except DatabaseError:
                logger.warning("The database does not answer", exc_info=True)
            finally:
                connection.close()
            stopped.wait(settings.BACKPATH_SWEEP_SECONDS)
