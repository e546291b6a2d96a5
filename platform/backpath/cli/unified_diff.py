"""Applies unified diffs in memory, so that a wrong solution can be kept as a patch.

Stricter than `patch`: every line of context must match, and a hunk that has moved must still
have one place where it fits best. A patch that no longer applies is an author's problem with a
line, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = "\\ No newline at end of file"
_NOTHING = "/dev/null"


class PatchRefused(Exception):
    """A patch that cannot be read, or does not fit its files. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class Hunk:
    """One change: `old` is replaced by `new`, both with line ends, near line `start` (from 0)."""

    line: int
    start: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass
class FileChange:
    """All changes of one file; no `source` means that it is new, no `target` that it goes."""

    line: int
    source: str | None
    target: str | None
    hunks: list[Hunk] = field(default_factory=list)


def apply_patch(files: Mapping[str, bytes], patch: str) -> dict[str, bytes]:
    """Return `files` (path -> content) as they are after `patch`.

    Paths in the patch may begin with `a/` and `b/`. Raises PatchRefused.
    """
    result = dict(files)
    changes = read_patch(patch)
    if not changes:
        raise PatchRefused(1, "The patch changes nothing.")
    for change in changes:
        name = change.source or change.target or ""
        if change.source is None:
            if name in result:
                raise PatchRefused(change.line, f"{name} is to be added, and is there already.")
            before = ""
        elif change.source not in result:
            raise PatchRefused(change.line, f"There is no file {name} to change.")
        else:
            before = _text(result.pop(change.source), change)
        lines = before.splitlines(keepends=True)
        moved = 0
        for hunk in change.hunks:
            at = _place(lines, hunk, hunk.start + moved)
            lines[at : at + len(hunk.old)] = hunk.new
            moved = at - hunk.start + len(hunk.new) - len(hunk.old)
        if change.target is not None:
            result[change.target] = "".join(lines).encode()
        elif lines:
            raise PatchRefused(change.line, f"{name} is to be removed, and lines of it are left.")
    return result


def read_patch(patch: str) -> list[FileChange]:
    """Parse the text of a unified diff. Raises PatchRefused."""
    changes: list[FileChange] = []
    lines = patch.splitlines()
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("--- ") and index + 1 < len(lines):
            following = lines[index + 1]
            if not following.startswith("+++ "):
                raise PatchRefused(index + 2, "A line with +++ must follow the one with ---.")
            changes.append(FileChange(index + 1, _path(line[4:], "a/"), _path(following[4:], "b/")))
            index += 2
        elif line.startswith("@@"):
            if not changes:
                raise PatchRefused(index + 1, "A change comes before any file is named.")
            index = _read_hunk(lines, index, changes[-1])
        else:
            # Between files, `diff` and `git` write lines of their own.
            index += 1
    return changes


def _read_hunk(lines: list[str], index: int, change: FileChange) -> int:
    header = _HUNK.match(lines[index])
    if header is None:
        raise PatchRefused(index + 1, "This is no line of the form `@@ -1,2 +1,3 @@`.")
    start, old_count, new_count = (
        int(header[1]),
        int(header[2] or 1),
        int(header[4] or 1),
    )
    hunk = Hunk(index + 1, max(start - 1, 0) if old_count else start)
    index += 1
    while len(hunk.old) < old_count or len(hunk.new) < new_count:
        if index >= len(lines):
            raise PatchRefused(hunk.line, "The patch ends in the middle of this change.")
        # Editors strip the blank of an empty line of context.
        mark, text = (lines[index] or " ")[0], lines[index][1:] + "\n"
        if mark not in " +-":
            raise PatchRefused(index + 1, "A line of a change begins with a blank, + or -.")
        if index + 1 < len(lines) and lines[index + 1] == _NO_NEWLINE:
            text = text[:-1]
            index += 1
        if mark in " -":
            hunk.old.append(text)
        if mark in " +":
            hunk.new.append(text)
        index += 1
    if len(hunk.old) != old_count or len(hunk.new) != new_count:
        raise PatchRefused(hunk.line, "The line counts of this change are wrong.")
    change.hunks.append(hunk)
    return index


def _place(lines: list[str], hunk: Hunk, wanted: int) -> int:
    """Return where the hunk's old lines stand, nearest to where the patch expects them."""
    size = len(hunk.old)
    if size == 0:
        return min(wanted, len(lines))
    places = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == hunk.old]
    if not places:
        raise PatchRefused(hunk.line, "The lines that this change replaces are not in the file.")
    return min(places, key=lambda at: abs(at - wanted))


def _path(text: str, prefix: str) -> str | None:
    name = text.partition("\t")[0].strip()
    return None if name == _NOTHING else name.removeprefix(prefix)


def _text(data: bytes, change: FileChange) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise PatchRefused(change.line, f"{change.source} is not a text file.") from None
