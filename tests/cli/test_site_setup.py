import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError

from backpath.cli import site_setup
from backpath.cli.console import CommandFailed
from backpath.cli.site_setup import (
    BACKUPS_KEPT,
    back_up_sqlite,
    create_administrator,
    load_content,
)


@pytest.fixture(autouse=True)
def _no_chosen_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USERNAME", "EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"DJANGO_SUPERUSER_{name}", raising=False)


@pytest.mark.django_db
def test_the_printed_password_is_the_administrators(capsys: pytest.CaptureFixture[str]) -> None:
    create_administrator()
    password = capsys.readouterr().out.partition("Password: ")[2].split()[0]
    user = get_user_model().objects.get()
    assert user.username == "admin"
    assert user.is_superuser
    assert user.is_staff
    assert user.check_password(password)
    assert len(password) >= 16


@pytest.mark.django_db
def test_an_administrator_is_made_once_and_never_reset(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    create_administrator()
    before = get_user_model().objects.get().password
    capsys.readouterr()
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "other")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "another password")
    create_administrator()
    assert capsys.readouterr().out == ""
    assert get_user_model().objects.get().password == before


@pytest.mark.django_db
def test_a_chosen_administrator_is_made_and_the_password_not_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "ada")
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "ada@example.org")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a password of ours")
    create_administrator()
    said = capsys.readouterr().out
    assert "Created the administrator ada." in said
    assert "a password of ours" not in said
    user = get_user_model().objects.get(username="ada", email="ada@example.org")
    assert user.check_password("a password of ours")


@pytest.mark.django_db
def test_a_learner_is_not_made_an_administrator() -> None:
    get_user_model().objects.create_user(username="admin", password="learner's own")
    with pytest.raises(CommandFailed, match="who is not an administrator"):
        create_administrator()


def test_bad_content_is_survived_when_an_earlier_version_is_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(site_setup, "call_command", _refuse)
    monkeypatch.setattr(site_setup, "has_content", lambda: True)
    load_content()
    said = capsys.readouterr().err
    assert "The content has 2 errors." in said
    assert "./dev check" in said


def test_bad_content_without_an_earlier_version_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(site_setup, "call_command", _refuse)
    monkeypatch.setattr(site_setup, "has_content", lambda: False)
    with pytest.raises(CommandFailed, match="The content has 2 errors"):
        load_content()


def _refuse(*_: Any, **__: Any) -> None:
    raise CommandError("The content has 2 errors.")


def test_a_copy_of_the_database_is_complete_while_it_is_in_use(tmp_path: Path) -> None:
    """The newest row is still in the write-ahead log, where copying the file misses it."""
    database = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE report (score INTEGER)")
        writer.execute("INSERT INTO report VALUES (87)")
        writer.commit()
        copy = back_up_sqlite(database, tmp_path / "backups")
    with closing(sqlite3.connect(copy)) as reader:
        assert reader.execute("SELECT score FROM report").fetchall() == [(87,)]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    database = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("CREATE TABLE report (score INTEGER)")
    copies = [back_up_sqlite(database, tmp_path / "backups") for _ in range(BACKUPS_KEPT + 2)]
    assert sorted((tmp_path / "backups").iterdir()) == copies[-BACKUPS_KEPT:]
