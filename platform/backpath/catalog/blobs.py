"""Content-addressed files below the data directory: graders, starters, pictures.

A sync writes them and never removes one, so that a report can be explained with the grader
it came from, and pages rendered before a sync keep their pictures.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from django.conf import settings

from backpath.core.errors import InfrastructureError

_HASH: Final = re.compile(r"[0-9a-f]{64}")


class BlobMissing(InfrastructureError):
    """A stored file is not there any more, or is not what its name says."""

    code = "blob-missing"


class BlobStore:
    """Files below `root`, each named by the sha256 of its content."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, content_hash: str) -> Path:
        if not _HASH.fullmatch(content_hash):
            raise BlobMissing(f"{content_hash!r} is no name of a stored file.")
        return self.root / content_hash[:2] / content_hash

    def put(self, data: bytes) -> str:
        """Store `data`, once, and return its name. Safe against crashes and other writers."""
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if self._is_intact(path, name):
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # The web server may run as another user than whoever syncs.
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        return name

    def read(self, content_hash: str) -> bytes:
        """The content named `content_hash`.

        Raises BlobMissing when there is none, or when what is there does not match.
        """
        path = self._path(content_hash)
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"The stored file {content_hash} cannot be read: {error.strerror}."
            raise BlobMissing(message) from error
        if hashlib.sha256(data).hexdigest() != content_hash:
            raise BlobMissing(f"The stored file {content_hash} is damaged.")
        return data

    @staticmethod
    def _is_intact(path: Path, name: str) -> bool:
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest() == name
        except OSError:
            return False


def content_store() -> BlobStore:
    """The store of this installation."""
    return BlobStore(Path(settings.BACKPATH_DATA_DIR) / "content")
