"""The submission on the app container's own file system: unpacked anew for every group."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

WORK = Path("/work")
DATA = Path("/data")


class Workspace:
    """Keeps the archive and lays out fresh copies of it, each beside a fresh data directory."""

    def __init__(self, work: Path = WORK, data: Path = DATA) -> None:
        self._work_root = work
        self._data_root = data
        self._archive = b""
        self._generation = 0

    @property
    def directory(self) -> Path:
        """The current copy of the submission."""
        return self._work_root / str(self._generation)

    @property
    def data_dir(self) -> Path:
        """The current data directory, which survives a restart of the service."""
        return self._data_root / str(self._generation)

    def accept(self, archive: bytes) -> None:
        """Keep `archive`: a clean tar, regular files and folders only."""
        self._archive = archive

    def unpack(self) -> int:
        """Lay out a fresh copy and a fresh, empty data directory; return the number of files.

        Raises OSError when the file system is full. Learner code may have made the previous
        generation impossible to remove: new ones have new names, so that does not matter.
        """
        for old in (self.directory, self.data_dir):
            shutil.rmtree(old, ignore_errors=True)
        self._generation += 1
        self.directory.mkdir()
        self.data_dir.mkdir()
        with tarfile.open(fileobj=io.BytesIO(self._archive), mode="r:") as archive:
            members = [member for member in archive if member.isreg() or member.isdir()]
            archive.extractall(self.directory, members=members, filter="data")
        return sum(member.isreg() for member in members)
