"""Collects what an archive or a browser sends and writes it again as one clean tar."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from backpath.execution.bundle_rules import (
    BundleLimits,
    BundleRefused,
    Entry,
    Names,
    check_ratio,
    check_shape,
    composed,
    ignored_top,
    printable,
    size_words,
    split_path,
)

_KIND_RULES: Final = {
    "link": "links are not accepted, only files and folders",
    "hardlink": "hard links are not accepted, only files and folders",
    "device": "device files are not accepted, only files and folders",
    "fifo": "named pipes are not accepted, only files and folders",
    "socket": "sockets are not accepted, only files and folders",
    "sparse": "sparse files are not accepted; make the archive without that option",
    "other": "only files and folders are accepted",
}
# Their size in the archive cannot be told without knowing the kind, so they end the reading
# even in a folder that is left out.
_UNSKIPPABLE: Final = frozenset({"sparse", "other"})
_MEANINGFUL_FOLDERS: Final = frozenset({"src", "test", "tests"})
_NAMED_NOTICES: Final = 20


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle; `size` in bytes."""

    path: str
    size: int
    is_executable: bool = False


@dataclass(frozen=True)
class BundleNotice:
    """Something the learner should know about an accepted submission.

    `code` is `left_out` (`path` and `count` entries at or below it were not taken over)
    or `unwrapped` (`path` is the single outer folder that was taken off).
    """

    code: str
    path: str
    count: int


@dataclass(frozen=True)
class Bundle:
    """An accepted submission.

    `tar` holds the `files`, sorted by path, and empty folders; `content_hash` is its
    SHA-256 in hex, equal for equal contents however they were packed.
    """

    files: list[BundleFile]
    tar: bytes = field(repr=False)
    content_hash: str
    notices: list[BundleNotice]


@dataclass(frozen=True)
class _Kept:
    start: int
    size: int
    is_executable: bool


class Collector:
    """Takes entries one at a time, counts what they cost and keeps what is allowed.

    `name` stands for the whole in refusals. Contents wait in `spool`, an empty file of the
    caller's, one after the other, until all names are known. `packed` is the size of the
    archive in bytes, or None for loose files, which are then held to the upload's limit.
    """

    def __init__(
        self, name: str, limits: BundleLimits, spool: IO[bytes], *, packed: int | None
    ) -> None:
        self._name = name
        self._limits = limits
        self._packed = packed
        self._spool = spool
        self._names = Names()
        self._files: dict[str, _Kept] = {}
        self._folders: set[str] = set()
        self._left_out: Counter[str] = Counter()
        self._entries = 0
        self._bytes = 0

    def add(self, entry: Entry) -> None:
        """Take over one entry, leave it out, or raise `BundleRefused`."""
        self._entries += 1
        if self._entries > self._limits.entries:
            rule = f"at most {self._limits.entries:,} entries are looked at{self._advice()}"
            raise BundleRefused("too_many_entries", self._name, rule)
        names = split_path(entry.path)
        ignored = ignored_top(names)
        is_plain = entry.kind in {"file", "folder"}
        if not is_plain and (ignored is None or entry.kind in _UNSKIPPABLE):
            raise BundleRefused(entry.kind, entry.path, _KIND_RULES[entry.kind])
        if ignored is not None:
            self._left_out[ignored] += 1
            for piece in entry.chunks:
                self._count(piece, entry.path)
        elif names or entry.kind == "file":
            self._keep(names, entry)

    def _keep(self, names: tuple[str, ...], entry: Entry) -> None:
        if not names:
            raise BundleRefused("path_empty", entry.path, "a file must have a name")
        check_shape(tuple(map(composed, names)), self._limits)
        self._names.take(names, is_folder=entry.kind == "folder")
        path = "/".join(names)
        if entry.kind == "folder":
            self._folders.add(composed(path))
            return
        if len(self._files) == self._limits.files:
            rule = f"a submission may have at most {self._limits.files:,} files"
            raise BundleRefused("too_many_files", self._name, rule)
        start = self._spool.tell()
        for piece in entry.chunks:
            self._count(piece, entry.path)
            self._spool.write(piece)
            if self._spool.tell() - start > self._limits.file_bytes:
                rule = f"a file may have at most {size_words(self._limits.file_bytes)}"
                raise BundleRefused("file_too_large", entry.path, rule)
        size = self._spool.tell() - start
        self._files[composed(path)] = _Kept(start, size, entry.is_executable)

    def _count(self, piece: bytes, path: str) -> None:
        self._bytes += len(piece)
        most, most_words = self._limits.unpacked_bytes, "it unpacks to more than {}"
        if self._packed is None:
            most, most_words = self._limits.packed_bytes, "an upload may have at most {}"
        if self._bytes > most:
            code = "upload_too_large" if self._packed is None else "unpacked_too_large"
            rule = most_words.format(size_words(most)) + self._advice()
            raise BundleRefused(code, self._name, rule)
        if self._packed is not None:
            check_ratio(self._bytes, self._packed, self._limits, path)

    def _advice(self) -> str:
        """Name the folder to leave out where one is what makes the upload too large."""
        for path, count in self._left_out.most_common(1):
            if count > self._entries // 2:
                return f"; most of it is {printable(path)}, which can be left out"
        return ""

    def bundle(self) -> Bundle:
        """Write what was kept as a clean tar; raise `BundleRefused` if nothing was."""
        if not self._files:
            raise self._nothing_kept()
        above = {folder for path in [*self._files, *self._folders] for folder in _above(path)}
        empty_folders = self._folders - above
        if len(empty_folders) > self._limits.files:
            rule = f"a submission may have at most {self._limits.files:,} empty folders"
            raise BundleRefused("too_many_files", self._name, rule)
        wrapper = _wrapper([*self._files, *empty_folders])
        cut = len(wrapper) + 1 if wrapper else 0
        kept: dict[str, _Kept | None] = {path[cut:]: kept for path, kept in self._files.items()}
        kept.update({folder[cut:]: None for folder in empty_folders})
        kept = dict(sorted(kept.items()))
        tar = self._written(kept)
        return Bundle(
            files=[
                BundleFile(path, file.size, file.is_executable)
                for path, file in kept.items()
                if file is not None
            ],
            tar=tar,
            content_hash=hashlib.sha256(tar).hexdigest(),
            notices=self._notices(wrapper),
        )

    def _nothing_kept(self) -> BundleRefused:
        if self._left_out:
            rule = "it holds only what tools make, such as .venv or __pycache__, and no work"
            return BundleRefused("only_left_out", self._name, rule)
        if self._folders:
            return BundleRefused("only_folders", self._name, "it holds folders but no file")
        return BundleRefused("empty", self._name, "there is no file in it")

    def _written(self, kept: dict[str, _Kept | None]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, file in kept.items():
                member = tarfile.TarInfo(path)
                if file is None:
                    member.type, member.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(member)
                else:
                    member.mode = 0o755 if file.is_executable else 0o644
                    member.size = file.size
                    self._spool.seek(file.start)
                    archive.addfile(member, self._spool)
        return buffer.getvalue()

    def _notices(self, wrapper: str) -> list[BundleNotice]:
        notices = [
            BundleNotice("left_out", printable(path), count)
            for path, count in self._left_out.most_common(_NAMED_NOTICES)
        ]
        rest = sum(self._left_out.values()) - sum(notice.count for notice in notices)
        if rest:
            notices.append(BundleNotice("left_out", "…", rest))
        if wrapper:
            notices.append(BundleNotice("unwrapped", printable(wrapper), len(self._files)))
        return notices


def _above(path: str) -> Iterator[str]:
    position = path.find("/")
    while position >= 0:
        yield path[:position]
        position = path.find("/", position + 1)


def _wrapper(paths: list[str]) -> str:
    """Return the folders around everything that say nothing, or an empty string.

    Zipping a project's folder puts everything one folder deeper than it belongs. A
    package, a dot folder such as `.github` and the conventional folders are part of
    the work even when they stand alone.
    """
    wrapper = ""
    while True:
        tops = {path[len(wrapper) :].split("/", 1)[0] for path in paths}
        top = min(tops)
        folder = f"{wrapper}{top}/"
        if (
            len(tops) > 1
            or not all(path.startswith(folder) for path in paths)
            or top.startswith(".")
            or top in _MEANINGFUL_FOLDERS
            or f"{folder}__init__.py" in paths
        ):
            return wrapper.removesuffix("/")
        wrapper = folder
