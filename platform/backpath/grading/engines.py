"""The engine that the settings name."""

import functools
import os

from django.conf import settings
from django.utils.module_loading import import_string

from backpath.execution.engine import Engine


def get_engine() -> Engine:
    """The engine of this process.

    A worker forks; connections to an Engine must not be shared with the parent.
    """
    return _engine_of(os.getpid())


@functools.lru_cache(maxsize=1)
def _engine_of(process_id: int) -> Engine:  # noqa: ARG001 - the cache's key
    engine: Engine = import_string(settings.BACKPATH_ENGINE).from_settings(
        app_image=settings.BACKPATH_APP_IMAGE,
        runner_image=settings.BACKPATH_RUNNER_IMAGE,
        runtime=settings.BACKPATH_SANDBOX_RUNTIME,
    )
    return engine
