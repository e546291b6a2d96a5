"""Submitted files on disk."""

import hashlib
import threading
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from pytest_django import Settings

from backpath.grading.storage import StoredFilesLost, archive_name, load_archive, store_archive


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.STORAGES = settings.STORAGES | {
        "submissions": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path), "file_permissions_mode": 0o600},
        }
    }
    assert isinstance(storages["submissions"], FileSystemStorage)
    return tmp_path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_archive_is_named_by_its_content(folder: Path) -> None:
    content_hash = store_archive(b"archive")
    assert content_hash == hashlib.sha256(b"archive").hexdigest()
    assert files_below(folder) == [folder / archive_name(content_hash)]
    assert load_archive(content_hash) == b"archive"


def test_only_the_owner_may_read_it(folder: Path) -> None:
    path = folder / archive_name(store_archive(b"archive"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_storing_again_leaves_the_first_alone(folder: Path) -> None:
    path = folder / archive_name(store_archive(b"archive"))
    before = path.stat()
    store_archive(b"archive")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert files_below(folder) == [path]


def test_many_at_once_leave_one_whole_file(folder: Path) -> None:
    archive = b"x" * 300_000
    start = threading.Barrier(8)

    def store() -> None:
        start.wait()
        store_archive(archive)

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    name = archive_name(hashlib.sha256(archive).hexdigest())
    assert files_below(folder) == [folder / name]
    assert (folder / name).read_bytes() == archive


def test_a_missing_archive_is_our_fault() -> None:
    with pytest.raises(StoredFilesLost, match="Cannot read"):
        load_archive("0" * 64)


def test_a_damaged_archive_is_noticed(folder: Path) -> None:
    content_hash = store_archive(b"archive")
    (folder / archive_name(content_hash)).write_bytes(b"another")
    with pytest.raises(StoredFilesLost, match="damaged"):
        load_archive(content_hash)


def test_another_storage_will_do(settings: Settings) -> None:
    settings.STORAGES = settings.STORAGES | {
        "submissions": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    assert isinstance(storages["submissions"], InMemoryStorage)
    assert load_archive(store_archive(b"archive")) == b"archive"
