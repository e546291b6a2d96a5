"""Values that settings read from outside: environment, secret files, the data directory.

Every variable may also be given as a file: `SECRET_KEY_FILE=/run/secrets/key` is read
in place of `SECRET_KEY`, so that secrets stay out of process listings.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BUSY_TIMEOUT_SECONDS: Final = 20


class _SecretFiles(environ.FileAwareMapping):  # type: ignore[misc]  # the base class is published without types
    """Environment and secret files; the line break that ends most such files is no part
    of the secret."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip()


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # the base class is published without types
    """django-environ's reader, over `_SecretFiles`."""

    ENVIRON = _SecretFiles()


def read_secret_key(path: Path) -> str:
    """The persisted secret key at `path`, made at the first call (mode 0600).

    Several processes may start at once on an empty data directory: the key is written
    aside and linked into place, so that all of them read the same whole key.
    """
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(get_random_secret_key())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        key = path.read_text(encoding="ascii").strip()
    if len(key) < 50:
        raise ImproperlyConfigured(
            f"The secret key in {path} is too short to be one. Restore it from a backup, or "
            "delete the file to get a new key (everybody is signed out then)."
        )
    return key


def database_settings(parsed: Mapping[str, Any], *, pool_size: int) -> dict[str, Any]:
    """Complete what a database URL says with the options that grading relies on.

    `parsed` is django-environ's dict for the URL. SQLite gets write-ahead logging and
    IMMEDIATE transactions, so that two writers queue up instead of failing half-way.
    PostgreSQL gets a pool of `pool_size` connections; 0 opens one for each request or task,
    which is what processes that fork need.
    """
    settings = dict(parsed)
    options = dict(settings.get("OPTIONS", {}))
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": BUSY_TIMEOUT_SECONDS,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        } | options
    elif settings["ENGINE"] == "django.db.backends.postgresql":
        if pool_size:
            options = {"pool": {"min_size": 1, "max_size": pool_size, "timeout": 10}} | options
            settings["CONN_HEALTH_CHECKS"] = True
    else:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with sqlite:/// or postgres://; "
            f"it asks for {settings['ENGINE']}."
        )
    settings["OPTIONS"] = options
    return settings


def mailer_settings(url: str) -> dict[str, Any]:
    """The `MAILERS` entry for a mail URL.

    `console:` prints mails on standard output. `smtp://user:password@host:587?tls=1`
    sends by SMTP (`smtps://` for TLS from the start).
    """
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must be console: or smtp://user:password@host:port?tls=1"
        )
    wants_tls = dict(parse_qsl(parts.query)).get("tls", "0") == "1"
    is_smtps = parts.scheme == "smtps"
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname,
            "port": parts.port or (465 if is_smtps else 587 if wants_tls else 25),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_tls": wants_tls and not is_smtps,
            "use_ssl": is_smtps,
            "timeout": 10,
        },
    }
