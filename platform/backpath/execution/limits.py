"""Which limit a run met. Pure: figures in, at most one LimitHit out.

What ended the run is known from the worker's own clocks and the Engine's record, both outside
the container. Other limits fail a write or a new process and end nothing: for those, what the
container tells of itself is taken too, since they explain checks that failed already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from backpath.execution.inside import NOTHING_TOLD, Disk, InsideRecord
from backpath.execution.outcome import LimitHit
from backpath.execution.usage import Usage

MIB: Final = 1 << 20
UNITS: Final[Mapping[str, str]] = {
    "wall": "s",
    "cpu": "s",
    "memory": "MiB",
    "processes": "processes",
    "disk": "MiB",
    "inodes": "files",
    "file_size": "MiB",
    "open_files": "files",
    "output": "MiB",
}
# A write that did not fit leaves a remainder; nobody fills a disk to the last page otherwise.
FULL_SHARE: Final = 0.99
# Descriptors come and go with the connections: by the time of a look a few are free again.
OPEN_SHARE: Final = 0.98
# After a kill, a figure below this share of the limit is a sample that missed the peak.
PEAK_SHARE: Final = 0.9

EndedBy = Literal["", "wall", "cpu"]


@dataclass(frozen=True)
class Clocks:
    """Seconds since the app was first ready; `ended_by` is the clock that ended the run.

    `cpu_seconds` is None where the Engine could not be asked.
    """

    wall_seconds: float
    cpu_seconds: float | None = None
    ended_by: EndedBy = ""


@dataclass(frozen=True)
class Ceilings:
    """Limits that every app container has, whatever the assignment says. None: not limited."""

    open_files: int | None = 1024
    file_size_bytes: int | None = 128 * MIB
    output_bytes: int | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of a run at its end.

    `usage` holds the highest figure of every sample (`usage.highest`), `ran_out_of_memory` is
    the Engine's own record of a kill, `output_bytes` what the worker counted, where it did.
    """

    clocks: Clocks
    usage: Usage | None = None
    ran_out_of_memory: bool = False
    inside: InsideRecord = NOTHING_TOLD
    output_bytes: int | None = None


class CpuClock:
    """CPU seconds from the moment the app is ready, out of figures that count from its start."""

    def __init__(self, limit_seconds: float | None) -> None:
        self._limit = limit_seconds
        self._baseline: float | None = None
        self.used_seconds: float | None = None

    def take(self, cpu_seconds: float) -> None:
        """Take one sample of the container's total. The first is the moment of being ready."""
        if self._baseline is None:
            self._baseline = cpu_seconds
        self.used_seconds = max(self.used_seconds or 0.0, cpu_seconds - self._baseline)

    @property
    def is_over(self) -> bool:
        """Whether the limit is used up; never where there is none."""
        return (
            self._limit is not None
            and self.used_seconds is not None
            and self.used_seconds >= self._limit
        )


def cpu_limit_seconds(limits: Mapping[str, Any]) -> float | None:
    """Return the CPU seconds of a manifest, or None where the wall clock alone bounds them."""
    seconds = limits.get("cpu_seconds")
    return None if seconds is None else float(seconds)


def find_limit(
    limits: Mapping[str, Any], evidence: Evidence, ceilings: Ceilings | None = None
) -> LimitHit | None:
    """Return the limit that ended the run or, if none did, that it met; None for neither.

    `limits` is the manifest's. Call it only for a run in which something failed: where nothing
    did there is nothing to explain. Of several limits the one that is known best is named: a
    clock, the Engine's record of memory, then processes, files, descriptors and output.
    """
    return next(
        (hit for hit in _hits(limits, evidence, ceilings or Ceilings()) if hit is not None), None
    )


def _hits(
    limits: Mapping[str, Any], evidence: Evidence, ceilings: Ceilings
) -> Iterator[LimitHit | None]:
    yield _clock(limits, evidence.clocks)
    yield _memory(limits, evidence)
    yield _processes(limits, evidence)
    yield _inodes(evidence.inside.disks)
    yield _disk(evidence.inside.disks)
    yield _ceiling("file_size", ceilings.file_size_bytes, evidence.inside.largest_file_bytes, MIB)
    yield _open_files(ceilings.open_files, evidence.inside.open_files)
    output = evidence.output_bytes
    yield _ceiling(
        "output",
        ceilings.output_bytes,
        evidence.inside.output_bytes if output is None else output,
        MIB,
    )


def _hit(kind: str, limit: float, used: float | None) -> LimitHit:
    return LimitHit(kind=kind, limit=limit, used=used, unit=UNITS[kind])


def _clock(limits: Mapping[str, Any], clocks: Clocks) -> LimitHit | None:
    if clocks.ended_by == "wall":
        return _hit("wall", float(limits["wall_seconds"]), round(clocks.wall_seconds, 2))
    cpu_limit = cpu_limit_seconds(limits)
    if clocks.ended_by == "cpu" and cpu_limit is not None:
        used = clocks.cpu_seconds
        return _hit("cpu", cpu_limit, None if used is None else round(used, 2))
    return None


def _set(limits: Mapping[str, Any], name: str) -> int:
    """Return a limit of the manifest; 0 where it says nothing about it."""
    return int(limits.get(name) or 0)


def _memory(limits: Mapping[str, Any], evidence: Evidence) -> LimitHit | None:
    if not evidence.ran_out_of_memory:
        return None
    usage = evidence.usage
    limit = (usage.memory_limit_bytes if usage else None) or _set(limits, "app_memory_mb") * MIB
    if not limit:
        return None
    told = [evidence.inside.peak_memory_bytes]
    if usage:
        told += [usage.memory_bytes, usage.peak_memory_bytes]
    # No more than the limit can have been in use, whatever anybody tells.
    peak = min(max((figure for figure in told if figure is not None), default=0), limit)
    used = round(peak / MIB, 1) if peak >= PEAK_SHARE * limit else None
    return _hit("memory", round(limit / MIB, 1), used)


def _processes(limits: Mapping[str, Any], evidence: Evidence) -> LimitHit | None:
    usage = evidence.usage
    limit = (usage.process_limit if usage else None) or _set(limits, "app_pids")
    if not limit:
        return None
    seen = usage.processes if usage else None
    was_full = seen is not None and seen >= limit
    # A refusal means that the limit was reached, between two samples.
    was_refused = bool(evidence.inside.process_limit_hits)
    return _hit("processes", limit, limit) if was_full or was_refused else None


def _inodes(disks: tuple[Disk, ...]) -> LimitHit | None:
    full = [d for d in disks if d.total_inodes and d.used_inodes >= FULL_SHARE * d.total_inodes]
    if not full:
        return None
    worst = max(full, key=lambda disk: disk.used_inodes / disk.total_inodes)
    return _hit("inodes", worst.total_inodes, worst.used_inodes)


def _disk(disks: tuple[Disk, ...]) -> LimitHit | None:
    full = [d for d in disks if d.total_bytes and d.used_bytes >= FULL_SHARE * d.total_bytes]
    if not full:
        return None
    worst = max(full, key=lambda disk: disk.used_bytes / disk.total_bytes)
    return _hit("disk", round(worst.total_bytes / MIB, 1), round(worst.used_bytes / MIB, 1))


def _open_files(limit: int | None, used: int | None) -> LimitHit | None:
    if limit is None or used is None or used < OPEN_SHARE * limit:
        return None
    return _hit("open_files", limit, min(used, limit))


def _ceiling(kind: str, limit: int | None, used: int | None, scale: int) -> LimitHit | None:
    if limit is None or used is None or used < limit:
        return None
    return _hit(kind, round(limit / scale, 1), round(used / scale, 1))
