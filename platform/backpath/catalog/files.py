"""Reading content from disk without trusting it: no links followed, sizes capped.

Content is written by authors, not by attackers, but it arrives by pull request and is
served to everybody: a link to `/etc/passwd` or a file of a gigabyte is refused here.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backpath.catalog.schema import Problem, Severity

MAX_TEXT_BYTES: Final = 256 * 1024
MAX_IMAGE_BYTES: Final = 1024 * 1024
MAX_FOLDER_BYTES: Final = 8 * 1024 * 1024
MAX_FOLDER_FILES: Final = 1000
_IGNORED_FOLDERS: Final = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".git", ".venv"}
)
_IGNORED_FILES: Final = frozenset({".DS_Store", "Thumbs.db"})
_IGNORED_SUFFIXES: Final = (".pyc", ".pyo", ".swp", "~")


@dataclass
class ContentFiles:
    """Reads files below `root` and collects problems about them.

    Problems name files relative to the parent of `root`, so `lessons/…` and `graders/…`.
    """

    root: Path
    problems: list[Problem] = field(default_factory=list)
    # Slugs of lessons or assignments that are there, but could not be read.
    unread: set[str] = field(default_factory=set)

    def name(self, path: Path) -> str:
        return (Path(self.root.name) / path.relative_to(self.root)).as_posix()

    def report(
        self, path: Path, line: int, message: str, remedy: str, severity: Severity = "error"
    ) -> None:
        self.problems.append(Problem(self.name(path), line, severity, message, remedy))

    def folders(self, directory: Path) -> list[Path]:
        """The folders in `directory`, sorted by name. Links are reported and left out."""
        return [path for path in self._entries(directory) if stat.S_ISDIR(path.lstat().st_mode)]

    def entries(self, directory: Path) -> list[Path]:
        """Files and folders in `directory`, sorted by name. Links are reported and left out."""
        return list(self._entries(directory))

    def _entries(self, directory: Path) -> Iterator[Path]:
        try:
            paths = sorted(directory.iterdir())
        except OSError as error:
            self.report(directory, 0, f"Cannot be listed: {error.strerror}.", "Check its rights.")
            return
        for path in paths:
            name = path.name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                self.report(
                    path, 0, "This is a symbolic link.", "Put the file itself in its place."
                )
            elif stat.S_ISDIR(mode):
                if name not in _IGNORED_FOLDERS:
                    yield path
            elif not stat.S_ISREG(mode):
                self.report(path, 0, "This is not an ordinary file.", "Remove it.")
            elif name not in _IGNORED_FILES and not name.endswith(_IGNORED_SUFFIXES):
                yield path

    def is_file(self, path: Path) -> bool:
        try:
            return stat.S_ISREG(path.lstat().st_mode)
        except OSError:
            return False

    def is_folder(self, path: Path) -> bool:
        try:
            return stat.S_ISDIR(path.lstat().st_mode)
        except OSError:
            return False

    def read_bytes(self, path: Path, limit: int) -> bytes | None:
        """The bytes of an ordinary file of at most `limit` bytes; otherwise a problem."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            self.report(path, 0, "The file is missing.", "Write it.")
            return None
        except OSError as error:
            self.report(
                path,
                0,
                f"The file cannot be opened: {error.strerror}.",
                "Make it an ordinary readable file, not a link.",
            )
            return None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                self.report(path, 0, "This is not an ordinary file.", "Remove it.")
                return None
            data = file.read(limit + 1)
        if len(data) > limit:
            self.report(path, 0, f"The file is larger than {limit // 1024} kB.", "Make it smaller.")
            return None
        return data

    def read_text(self, path: Path, limit: int = MAX_TEXT_BYTES) -> str | None:
        """The text of a UTF-8 file with `\\n` line ends; otherwise a problem with its line."""
        data = self.read_bytes(path, limit)
        if data is None:
            return None
        if data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.report(path, line, "The file is not UTF-8.", "Save it with UTF-8 encoding.")
            return None
        if "\x00" in text:
            line = text.count("\n", 0, text.index("\x00")) + 1
            self.report(path, line, "The file holds a NUL character.", "Remove it.")
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def walk(self, directory: Path) -> list[Path]:
        """All ordinary files below `directory`, sorted; links, devices and excess reported."""
        found = list(self._walk(directory, depth=0))
        if len(found) > MAX_FOLDER_FILES:
            message = f"The folder holds more than {MAX_FOLDER_FILES} files."
            self.report(directory, 0, message, "Leave out what is generated.")
            return []
        if sum(path.lstat().st_size for path in found) > MAX_FOLDER_BYTES:
            message = f"The folder holds more than {MAX_FOLDER_BYTES // 1024 // 1024} MB."
            self.report(directory, 0, message, "Leave out what is generated.")
            return []
        return found

    def _walk(self, directory: Path, *, depth: int) -> Iterator[Path]:
        if depth > 12:
            self.report(directory, 0, "The folders are nested too deeply.", "Flatten them.")
            return
        for path in self._entries(directory):
            if stat.S_ISDIR(path.lstat().st_mode):
                yield from self._walk(path, depth=depth + 1)
            else:
                yield path
