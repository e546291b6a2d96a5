"""What a container can read of its own limits: the kernel's counters and its file systems.

For explaining, never for deciding: learner code lives beside whoever reads this. Both layouts
are known, cgroup v1 (a folder for each controller) and v2 (one folder). Where the runtime shows
neither, as gVisor does, every counter is None.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")
MAX_BYTES = 4096
MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000
# More than the file systems of a sandbox can hold; a bound for those of somebody else.
MAX_ENTRIES = 40_000


def cpu_seconds(root: Path = ROOT) -> float | None:
    """Return the CPU seconds that this container has used, on all processors together."""
    micros = _counter(root / "cpu.stat", "usage_usec")
    if micros is not None:
        return micros / MICROSECONDS
    nanos = _integer(root / "cpuacct/cpuacct.usage")
    return None if nanos is None else nanos / NANOSECONDS


def peak_memory_bytes(root: Path = ROOT) -> int | None:
    """Return the most memory that was ever charged, page cache included.

    cgroup v2 tells it since Linux 5.19.
    """
    return _first(
        _integer(root / "memory.peak"), _integer(root / "memory/memory.max_usage_in_bytes")
    )


def out_of_memory_kills(root: Path = ROOT) -> int | None:
    """Return how many processes the kernel has killed for want of memory."""
    return _first(
        _counter(root / "memory.events", "oom_kill"),
        _counter(root / "memory/memory.oom_control", "oom_kill"),
    )


def process_limit_hits(root: Path = ROOT) -> int | None:
    """Return how often a new process or thread was refused."""
    return _first(_counter(root / "pids.events", "max"), _counter(root / "pids/pids.events", "max"))


@dataclass(frozen=True)
class TmpfsUsage:
    """One file system: bytes and inodes, used and in all. A total of 0 means no limit."""

    path: str
    used_bytes: int
    total_bytes: int
    used_inodes: int
    total_inodes: int


def tmpfs_usage(paths: Iterable[Path]) -> list[TmpfsUsage]:
    """Return the use of the file system at each of `paths`; one that is not there is left out."""
    found = []
    for path in paths:
        try:
            stat = os.statvfs(path)
        except OSError:
            continue
        found.append(
            TmpfsUsage(
                path=str(path),
                used_bytes=(stat.f_blocks - stat.f_bfree) * stat.f_frsize,
                total_bytes=stat.f_blocks * stat.f_frsize,
                used_inodes=stat.f_files - stat.f_ffree,
                total_inodes=stat.f_files,
            )
        )
    return found


def most_open_files(proc: Path = PROC) -> int | None:
    """Return the number of open descriptors of the process that has most, of those we may see."""
    counts = []
    for folder in _entries(proc):
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                counts.append(sum(1 for _ in Path(folder.path, "fd").iterdir()))
            except OSError:
                continue  # gone, or closed to us
    return max(counts, default=None)


def largest_file_bytes(paths: Iterable[Path]) -> int | None:
    """Return the size of the largest regular file below `paths`. No link is followed."""
    folders = [str(path) for path in paths]
    left = MAX_ENTRIES
    largest: int | None = None
    while folders and left > 0:
        for entry in _entries(folders.pop()):
            left -= 1
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    largest = max(largest or 0, entry.stat(follow_symlinks=False).st_size)
            except OSError:
                continue
            if left <= 0:
                break
    return largest


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("ascii", "replace")
    except OSError:
        return None


def _integer(path: Path) -> int | None:
    text = (_read(path) or "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _counter(path: Path, name: str) -> int | None:
    """Return one value of a file of lines that hold a name and a number."""
    for line in (_read(path) or "").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isascii() and words[1].isdecimal():
            return int(words[1])
    return None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
