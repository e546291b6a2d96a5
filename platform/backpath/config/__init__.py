"""Settings, addresses and processes of the site.

The Celery application is imported here so that tasks sent from the web process go to
the configured broker.
"""

from backpath.config.celery import app as celery_app

__all__ = ["celery_app"]
