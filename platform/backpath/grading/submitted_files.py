"""A submitted file as its page shows it: text only, the beginning of it, made readable."""

from dataclasses import dataclass
from typing import Final

from backpath.execution.bundle import read_tar_file
from backpath.grading.difference import plain_text
from backpath.grading.models import Submission
from backpath.grading.storage import load_archive

SHOWN_BYTES: Final = 200_000
SHOWN_LINES: Final = 3_000
SHOWN_LINE_CHARACTERS: Final = 2_000
PREFERRED: Final = ("app.py", "main.py", "README.md", "Procfile")


@dataclass(frozen=True)
class ShownFile:
    """One file; `size` in bytes. `lines` is empty when it is not text."""

    path: str
    size: int
    is_text: bool
    is_cut: bool
    lines: tuple[str, ...]


def default_path(submission: Submission) -> str | None:
    """Return the path of the file to open with, or None for a submission without files."""
    paths = [str(file["path"]) for file in submission.files]
    return next((path for path in PREFERRED if path in paths), paths[0] if paths else None)


def read_submitted_file(submission: Submission, path: str) -> ShownFile:
    """Read one file of a submission for showing.

    Raises `FileNotFoundError` when the submission has no such file, and `StoredFilesLost`
    when the stored archive cannot be read.
    """
    sizes = {str(file["path"]): int(file["size"]) for file in submission.files}
    if path not in sizes:
        raise FileNotFoundError(path)
    content = read_tar_file(load_archive(submission.content_hash), path, SHOWN_BYTES)
    if not _is_text(content):
        return ShownFile(path, sizes[path], is_text=False, is_cut=False, lines=())
    lines = content.decode("utf-8", "replace").removesuffix("\n").split("\n")
    shown = tuple(_line(line) for line in lines[:SHOWN_LINES])
    is_cut = len(content) < sizes[path] or len(lines) > SHOWN_LINES
    return ShownFile(path, sizes[path], is_text=True, is_cut=is_cut, lines=shown)


def _is_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        # Where the reading stopped, a character may have been cut in two.
        return len(content) == SHOWN_BYTES and error.start >= len(content) - 4
    return True


def _line(line: str) -> str:
    shown = plain_text(line[:SHOWN_LINE_CHARACTERS].removesuffix("\r"))
    left = len(line) - SHOWN_LINE_CHARACTERS
    return f"{shown} … {left} more characters" if left > 0 else shown
