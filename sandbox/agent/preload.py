"""What a flavour of the app container has imported before a submission arrives.

Only modules that do nothing on import but define things: no settings are read, no thread is
started, no connection made. Gunicorn is not among them: it looks at the working directory.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterable
from contextlib import suppress

_ASGI = (
    "asyncio",
    "uvicorn",
    "uvicorn.main",
    "uvicorn.config",
    "uvicorn.server",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
)
# Its package imports them when they are first used.
_PYDANTIC = (
    "pydantic",
    "pydantic.dataclasses",
    "pydantic.fields",
    "pydantic.json_schema",
    "pydantic.main",
    "pydantic.networks",
    "pydantic.type_adapter",
)
MODULES: dict[str, tuple[str, ...]] = {
    "fastapi": ("fastapi", "fastapi.responses", "fastapi.exceptions", *_PYDANTIC, *_ASGI),
    "uvicorn": _ASGI,
    "flask": ("flask", "flask.cli", "flask.views", "werkzeug.serving", "werkzeug.exceptions"),
    "django": (
        "django.apps",
        "django.conf",
        "django.conf.urls",
        "django.core.asgi",
        "django.core.management",
        "django.core.management.commands.migrate",
        "django.core.management.commands.runserver",
        "django.core.wsgi",
        "django.db.migrations.executor",
        "django.db.backends.sqlite3.base",
        "django.db.models",
        "django.http",
        "django.urls",
        "django.views",
        "sqlparse",
    ),
    "ninja": (*_PYDANTIC, "django.test", "django.views.static", "django.shortcuts", "jinja2"),
    "pydantic": _PYDANTIC,
    "sqlalchemy": ("sqlalchemy", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite"),
    "waitress": ("waitress", "waitress.runner"),
    "httpx": ("httpx",),
}
COMMON = (
    "json",
    "sqlite3",
    "logging",
    "logging.config",
    "http.server",
    "email.utils",
    "secrets",
    "uuid",
    "datetime",
    "dataclasses",
    "functools",
    "typing",
    "urllib.parse",
    "random",
)


def preload(names: Iterable[str]) -> list[str]:
    """Import the modules of each known name; return the names that were imported now."""
    loaded = []
    for module in COMMON:
        importlib.import_module(module)
    for name in names:
        if name in _done or name not in MODULES:
            continue
        for module in MODULES[name]:
            # An image need not hold every framework; and where an import wants more than an
            # image has (settings, say), the learner's own import of it is the one that counts.
            with suppress(Exception):
                importlib.import_module(module)
        _done.add(name)
        loaded.append(name)
    # Nothing made so far will be collected: forks keep sharing its pages.
    gc.collect()
    gc.freeze()
    return loaded


_done: set[str] = set()
