"""Submitted files: content-addressed, immutable, in the `submissions` storage."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from backpath.core.errors import InfrastructureError

STORAGE_ALIAS: Final = "submissions"


class StoredFilesLost(InfrastructureError):
    """The stored archive of a submission is missing or is not what was stored."""

    code = "stored-files-lost"


class _WholeFile(File):  # type: ignore[type-arg]  # generic for the stubs only
    """A file on the storage's own disk, which Django moves into place in one step."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def archive_name(content_hash: str) -> str:
    """Where the archive with this SHA-256 (hex) lies in the storage."""
    return f"submissions/{content_hash[:2]}/{content_hash}.tar"


def store_archive(archive: bytes) -> str:
    """Store a tar archive under the SHA-256 of its bytes and return that hash (hex).

    An archive that is there already is left as it is. A process that dies on the way
    leaves no half-written archive under the final name.
    """
    content_hash = hashlib.sha256(archive).hexdigest()
    name = archive_name(content_hash)
    storage = storages[STORAGE_ALIAS]
    if storage.exists(name):
        return content_hash
    stored_as = _save(storage, name, archive)
    if stored_as != name:
        # Somebody stored the same bytes meanwhile, so Django gave ours another name.
        storage.delete(stored_as)
    return content_hash


def _save(storage: Storage, name: str, archive: bytes) -> str:
    if not isinstance(storage, FileSystemStorage):
        return storage.save(name, ContentFile(archive))
    folder = Path(storage.location) / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=folder, suffix=".tar")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(archive)
            file.flush()
            os.fsync(file.fileno())
        return storage.save(name, _WholeFile(None, name=aside))
    finally:
        Path(aside).unlink(missing_ok=True)


def load_archive(content_hash: str) -> bytes:
    """The stored tar archive, checked against its hash. Raises `StoredFilesLost`."""
    try:
        with storages[STORAGE_ALIAS].open(archive_name(content_hash)) as file:
            archive: bytes = file.read()
    except OSError as error:
        raise StoredFilesLost(f"Cannot read {archive_name(content_hash)}: {error}") from error
    if hashlib.sha256(archive).hexdigest() != content_hash:
        raise StoredFilesLost(f"{archive_name(content_hash)} is damaged.")
    return archive
