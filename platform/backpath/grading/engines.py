"""The engine that the settings name."""

import functools
import hashlib
import os

from django.conf import settings
from django.utils.module_loading import import_string

from backpath.execution.engine import Engine


def get_engine() -> Engine:
    """The engine of this process.

    A worker forks; connections to an Engine must not be shared with the parent.
    """
    return _engine_of(os.getpid(), settings.BACKPATH_ENGINE)


@functools.lru_cache(maxsize=1)
def _engine_of(process_id: int, class_path: str) -> Engine:  # noqa: ARG001 - part of the key
    engine: Engine = import_string(class_path).from_settings(
        app_image=settings.BACKPATH_APP_IMAGE,
        app_services_image=settings.BACKPATH_APP_SERVICES_IMAGE,
        runner_image=settings.BACKPATH_RUNNER_IMAGE,
        runtime=settings.BACKPATH_SANDBOX_RUNTIME,
        pool_size=settings.BACKPATH_POOL_SIZE,
        pool_memory_mb=settings.BACKPATH_POOL_MEMORY_MB,
        runner_jobs=settings.BACKPATH_RUNNER_JOBS,
        # All processes of one installation share its key, and no other installation does.
        owner=hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12],
    )
    return engine
