"""Prepare the site's data: database, content, an administrator, static files.

A process of its own (``python -m backpath.cli.site_setup``), so that the supervisor
stays small and a broken setting is reported instead of taking it down. It prints what
it did and exits non-zero, with a sentence, when the site cannot run.
"""

import hashlib
import os
import secrets
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from backpath.cli.console import CommandFailed, console, fail, progress, unexpected, warn

BACKUPS_KEPT = 5


def main() -> None:
    """Run every step in order; the exit code says whether the site can run."""
    try:
        django.setup()
        migrate()
        load_content()
        create_administrator()
        collect_static_files()
    except CommandFailed as failure:
        fail(failure)
        sys.exit(1)
    except ImproperlyConfigured as error:
        fail(CommandFailed(f"A setting is wrong: {error}", "Correct it in the environment."))
        sys.exit(1)
    except DatabaseError as error:
        fail(
            CommandFailed(
                f"The database does not answer as it should: {str(error).strip()}",
                "Check DATABASE_URL, that the server runs, and the free disk space.",
            )
        )
        sys.exit(1)
    except Exception as error:
        fail(unexpected(error))
        sys.exit(1)


# --- database -------------------------------------------------------------------------


def migrate() -> None:
    """Apply what the code expects of the database; a copy of SQLite's file is kept first."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    if executor.loader.applied_migrations and connection.vendor == "sqlite":
        folder = Path(settings.BACKPATH_DATA_DIR) / "backups"
        back_up_sqlite(Path(str(connection.settings_dict["NAME"])), folder)
    with progress(f"Preparing the database ({len(plan)} migrations)"):
        call_command("migrate", interactive=False, verbosity=0)


def back_up_sqlite(database: Path, folder: Path) -> Path:
    """Copy a database that may be in use into the folder and return the copy.

    The newest BACKUPS_KEPT copies stay. sqlite3's own copying sees a consistent
    state, which copying the file beside its write-ahead log would not.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / f"db-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite3"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)
    for old in sorted(folder.glob("db-*.sqlite3"))[:-BACKUPS_KEPT]:
        old.unlink()
    return copy


# --- content --------------------------------------------------------------------------


def load_content() -> None:
    """Load lessons and assignments; with problems in them, go on with the last good version.

    Raises CommandFailed when there is none yet.
    """
    try:
        call_command("sync_content")
    except CommandError as error:
        remedy = "Correct the files, then run this again; ./dev check checks them alone."
        if not has_content():
            raise CommandFailed(str(error), remedy) from error
        warn(str(error), remedy)


def has_content() -> bool:
    """Whether an earlier run loaded something to read."""
    return bool(apps.get_model("catalog", "LearningPath")._default_manager.exists())


# --- administrator --------------------------------------------------------------------


def create_administrator() -> None:
    """Create an administrator if there is none, and never touch one that exists.

    Name, address and password come from ``DJANGO_SUPERUSER_USERNAME``, ``_EMAIL`` and
    ``_PASSWORD``; without a password a random one is made and printed, once.
    """
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return
    username = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    chosen = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
    password = chosen or secrets.token_urlsafe(12)
    try:
        users.objects.create_superuser(
            username=username,
            email=os.environ.get("DJANGO_SUPERUSER_EMAIL", ""),
            password=password,
        )
    except IntegrityError as error:
        raise CommandFailed(
            f"There is a user {username} or one with the same e-mail address already, "
            "who is not an administrator.",
            "Set DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_EMAIL to others.",
        ) from error
    console.print(f"  Created the administrator {username}.", markup=False)
    if not chosen:
        console.print(
            f"  Password: {password}  (shown this once; change it at /admin/)", markup=False
        )


# --- static files ---------------------------------------------------------------------


def collect_static_files() -> None:
    """Copy and compress the static files for serving, when one of them changed."""
    if not settings.BACKPATH_STATIC_MANIFEST:
        return
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".sources"
    wanted = static_sources_hash()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    with progress("Collecting static files"):
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)


def static_sources_hash() -> str:
    """Identity of the files to collect: names, sizes and times of change."""
    found = hashlib.sha256(django.get_version().encode())
    for finder in get_finders():
        for name, storage in finder.list(None):
            status = Path(storage.path(name)).stat()
            found.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return found.hexdigest()


if __name__ == "__main__":
    main()
