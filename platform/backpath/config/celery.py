"""The Celery application: `celery -A backpath.config worker -Q exercises,projects`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from django.utils.log import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backpath.config.settings")

app = Celery("backpath")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Without a receiver of this signal Celery would install handlers of its own."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
