"""Settings as a process of its own reads them, from nothing but its environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOW = (
    "import json, sys; from django.conf import settings; "
    "print(json.dumps({n: getattr(settings, n) for n in sys.argv[1:]}, default=str))"
)


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "platform"),
            "DJANGO_SETTINGS_MODULE": "backpath.config.settings",
            "BACKPATH_DATA_DIR": str(folder / "data"),
        }
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def read(folder: Path, *names: str, **environment: str) -> Any:
    """The named settings, as JSON has them."""
    done = python(folder, "-W", "error", "-c", SHOW, *names, **environment)
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    return values if len(names) > 1 else values[names[0]]


def refusal(folder: Path, **environment: str) -> str:
    done = python(folder, "-c", SHOW, "DEBUG", **environment)
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python(
        folder, "-W", "error", str(ROOT / "platform/manage.py"), *arguments, **environment
    )


# The secret key --------------------------------------------------------------------------


def test_the_secret_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = read(tmp_path, "SECRET_KEY")
    assert len(first) >= 50
    assert read(tmp_path, "SECRET_KEY") == first
    path = tmp_path / "data/secret_key"
    assert path.read_text() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in (tmp_path / "data").iterdir() if entry.is_file()] == [
        "secret_key"
    ]


def test_processes_that_start_together_read_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHOW, "SECRET_KEY"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "platform"),
        "DJANGO_SETTINGS_MODULE": "backpath.config.settings",
        "BACKPATH_DATA_DIR": str(tmp_path / "data"),
    }
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert len(keys.pop()) > 50


def test_a_given_secret_key_is_not_written_down(tmp_path: Path) -> None:
    assert read(tmp_path, "SECRET_KEY", SECRET_KEY="x" * 60) == "x" * 60
    assert not (tmp_path / "data/secret_key").exists()


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("y" * 60 + "\n")
    assert read(tmp_path, "SECRET_KEY", SECRET_KEY_FILE=str(tmp_path / "key")) == "y" * 60
    (tmp_path / "url").write_text("postgres://ada:p%40ss@db:5433/site\n")
    database = read(tmp_path, "DATABASES", DATABASE_URL_FILE=str(tmp_path / "url"))["default"]
    assert (database["PASSWORD"], database["NAME"]) == ("p@ss", "site")


def test_a_damaged_secret_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/secret_key").write_text("oops")
    assert "too short to be one" in refusal(tmp_path)


# Database, broker, mail ------------------------------------------------------------------


def test_sqlite_is_made_for_several_writers(tmp_path: Path) -> None:
    script = (
        "import django; django.setup(); from django.db import connection as c; "
        "k = c.cursor(); "
        "print([k.execute(f'PRAGMA {p}').fetchone()[0] "
        "for p in ('journal_mode', 'synchronous', 'busy_timeout', 'foreign_keys')], "
        "c.transaction_mode)"
    )
    done = python(tmp_path, "-W", "error", "-c", script)
    assert done.stdout.strip() == "['wal', 1, 20000, 1] IMMEDIATE", done.stderr


def test_postgresql_has_a_pool_where_one_is_asked_for(tmp_path: Path) -> None:
    url = "postgres://ada:secret@db.example:5433/site"
    plain = read(tmp_path, "DATABASES", DATABASE_URL=url)["default"]
    assert (plain["HOST"], plain["PORT"], plain["USER"]) == ("db.example", 5433, "ada")
    assert "pool" not in plain["OPTIONS"]
    pooled = read(tmp_path, "DATABASES", DATABASE_URL=url, BACKPATH_DB_POOL="6")["default"]
    assert pooled["OPTIONS"]["pool"]["max_size"] == 6


def test_other_databases_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, DATABASE_URL="mysql://ada@db/site")
    assert "DATABASE_URL must begin with sqlite:/// or postgres://" in message


def test_the_broker_is_a_folder_unless_redis_is_named(tmp_path: Path) -> None:
    names = ("CELERY_BROKER_URL", "CELERY_BROKER_TRANSPORT_OPTIONS", "CACHES")
    folder = read(tmp_path, *names)
    assert folder["CELERY_BROKER_URL"].startswith("filesystem:")
    messages = Path(folder["CELERY_BROKER_TRANSPORT_OPTIONS"]["data_folder_in"])
    assert messages == tmp_path / "data/broker/messages"
    assert messages.stat().st_mode & 0o777 == 0o700
    assert "locmem" in folder["CACHES"]["default"]["BACKEND"]
    redis = read(tmp_path, *names, REDIS_URL="redis://cache:6379/0")
    assert redis["CELERY_BROKER_URL"] == "redis://cache:6379/0"
    assert redis["CACHES"]["default"]["LOCATION"] == "redis://cache:6379/0"


def test_a_message_is_not_repeated_while_a_job_may_still_run(tmp_path: Path) -> None:
    options, hard_limit, task_limit = read(
        tmp_path,
        "CELERY_BROKER_TRANSPORT_OPTIONS",
        "BACKPATH_HARD_LIMIT_SECONDS",
        "CELERY_TASK_TIME_LIMIT",
        REDIS_URL="redis://cache:6379/0",
    ).values()
    assert options["visibility_timeout"] > task_limit > hard_limit
    from backpath.catalog.schema import Limits

    longest = Limits.model_fields["wall_seconds"].metadata[1].le
    assert hard_limit >= longest + 120


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("console:", None),
        ("smtp://mail:2525", {"host": "mail", "port": 2525, "use_tls": False, "use_ssl": False}),
        ("smtp://mail?tls=1", {"host": "mail", "port": 587, "use_tls": True, "use_ssl": False}),
        ("smtps://a%40b:c%2Fd@mail", {"username": "a@b", "password": "c/d", "use_ssl": True}),
    ],
)
def test_mail(tmp_path: Path, url: str, options: dict[str, Any] | None) -> None:
    mailer = read(tmp_path, "MAILERS", EMAIL_URL=url)["default"]
    if options is None:
        assert mailer == {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
    else:
        assert mailer["OPTIONS"].items() >= options.items()


def test_mail_addresses_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    assert "EMAIL_URL must be console: or smtp://" in refusal(tmp_path, EMAIL_URL="http://x")


# Checks ----------------------------------------------------------------------------------


def test_a_bare_start_has_no_warnings(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path, "DEBUG") is False


def test_a_deployment_has_no_warnings(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        BACKPATH_HTTPS="1",
        ALLOWED_HOSTS="learn.example.org",
        EMAIL_URL="smtps://user:secret@mail.example.org",
    )
    assert done.returncode == 0, done.stderr


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    names = (
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
    )
    assert list(read(tmp_path, *names).values()) == [False, False, False, 0]
    assert list(read(tmp_path, *names, BACKPATH_HTTPS="1").values()) == [
        True,
        True,
        True,
        365 * 24 * 3600,
    ]


def test_no_migration_is_missing(tmp_path: Path) -> None:
    done = manage(tmp_path, "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_static_files_are_collected_with_a_manifest(tmp_path: Path) -> None:
    target = tmp_path / "static"
    done = manage(tmp_path, "collectstatic", "--no-input", STATIC_ROOT=str(target))
    assert done.returncode == 0, done.stderr
    assert (target / "staticfiles.json").is_file()
    assert list(target.rglob("*.css.gz"))
