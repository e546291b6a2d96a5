"""What the Docker Engine's own statistics say that a container has used.

The document is that of `GET /containers/{id}/stats?stream=false&one-shot=true`
(https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats).
On a host with cgroup v2 it has no `max_usage` and no `failcnt`, and the names below
`memory_stats.stats` are others. The figures are the kernel's, read from outside the container:
nothing that runs in there has a say in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

NANOSECONDS: Final = 1_000_000_000
# Numbers are unsigned 64-bit integers in the Engine; a limit that is not set is near the top.
MAX_NUMBER: Final = 2**64 - 1
UNLIMITED: Final = 2**62
# Page cache that the kernel gives back before it refuses memory: its name in v1 and in v2.
RECLAIMABLE: Final = ("total_inactive_file", "inactive_file")


class UsageUnavailable(Exception):
    """The document holds no figures: the container does not run, or it is no such document."""


@dataclass(frozen=True)
class Usage:
    """What one container has used since it was started.

    `memory_bytes` is what is in use now, without page cache that can be given back.
    `peak_memory_bytes` is the most that was ever charged, page cache included, and
    `memory_limit_hits` how often that met the limit: both are known with cgroup v1 only, and
    newer kernels no longer count the hits. `cpu_seconds` is the time of all processors together.
    `processes` counts processes and threads that exist now.
    """

    memory_bytes: int
    peak_memory_bytes: int | None
    memory_limit_bytes: int | None
    memory_limit_hits: int | None
    cpu_seconds: float
    processes: int | None
    process_limit: int | None


def parse_usage(document: object) -> Usage:
    """Return the figures of one statistics document (parsed JSON).

    Raises UsageUnavailable where the use of memory or CPU is not told, as after the container's
    end. A figure that is missing, negative or not a whole number is None.
    """
    if not isinstance(document, Mapping):
        raise UsageUnavailable("the statistics are not an object")
    memory, processes = _part(document, "memory_stats"), _part(document, "pids_stats")
    in_use = _number(memory, "usage")
    cpu = _number(_part(_part(document, "cpu_stats"), "cpu_usage"), "total_usage")
    if in_use is None or cpu is None:
        raise UsageUnavailable("the statistics tell no use of memory or CPU: is it running?")
    return Usage(
        memory_bytes=max(0, in_use - _reclaimable(_part(memory, "stats"))),
        peak_memory_bytes=_number(memory, "max_usage"),
        memory_limit_bytes=_limit(memory),
        memory_limit_hits=_hits(memory),
        cpu_seconds=cpu / NANOSECONDS,
        processes=_number(processes, "current"),
        process_limit=_limit(processes),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(part: Mapping[str, Any], name: str) -> int | None:
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        return None
    return value


def _limit(part: Mapping[str, Any]) -> int | None:
    limit = _number(part, "limit")
    return limit if limit is not None and 0 < limit < UNLIMITED else None


def _hits(memory: Mapping[str, Any]) -> int | None:
    """The Engine leaves a zero out, so only a document of cgroup v1 tells "never" by silence."""
    if "failcnt" in memory:
        return _number(memory, "failcnt")
    return 0 if _number(memory, "max_usage") is not None else None


def _reclaimable(stats: Mapping[str, Any]) -> int:
    for name in RECLAIMABLE:
        found = _number(stats, name)
        if found is not None:
            return found
    return 0


def highest(earlier: Usage | None, later: Usage) -> Usage:
    """Return the higher of each figure of two samples of one container."""
    if earlier is None:
        return later
    return Usage(
        memory_bytes=max(earlier.memory_bytes, later.memory_bytes),
        peak_memory_bytes=_higher(earlier.peak_memory_bytes, later.peak_memory_bytes),
        memory_limit_bytes=_higher(earlier.memory_limit_bytes, later.memory_limit_bytes),
        memory_limit_hits=_higher(earlier.memory_limit_hits, later.memory_limit_hits),
        cpu_seconds=max(earlier.cpu_seconds, later.cpu_seconds),
        processes=_higher(earlier.processes, later.processes),
        process_limit=_higher(earlier.process_limit, later.process_limit),
    )


def _higher(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)
