"""The inside record: what the app container tells of the limits it met. It explains, no more.

Learner code lives beside the process that writes it, so it is read as hostile text: a figure
that is not a plain number of its range is None, and no verdict depends on one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_FIGURE: Final = 2**53
DISKS_READ: Final = 8


@dataclass(frozen=True)
class Disk:
    """A file system that the app may write to. A total of 0 means no limit."""

    used_bytes: int
    total_bytes: int
    used_inodes: int
    total_inodes: int


@dataclass(frozen=True)
class InsideRecord:
    """What was read inside; None where nothing was told.

    `process_limit_hits` counts refused processes and threads, `open_files` the descriptors of
    the process that has most, `output_bytes` all that the app printed.
    """

    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    out_of_memory_kills: int | None = None
    process_limit_hits: int | None = None
    open_files: int | None = None
    largest_file_bytes: int | None = None
    output_bytes: int | None = None
    disks: tuple[Disk, ...] = ()


NOTHING_TOLD: Final = InsideRecord()


def read_inside(document: object) -> InsideRecord:
    """Return the record of one parsed JSON value. Never raises: what is not a record is empty."""
    if not isinstance(document, Mapping):
        return NOTHING_TOLD
    disks = document.get("disks")
    return InsideRecord(
        cpu_seconds=_seconds(document.get("cpu_seconds")),
        peak_memory_bytes=_whole(document, "peak_memory_bytes"),
        out_of_memory_kills=_whole(document, "out_of_memory_kills"),
        process_limit_hits=_whole(document, "process_limit_hits"),
        open_files=_whole(document, "open_files"),
        largest_file_bytes=_whole(document, "largest_file_bytes"),
        output_bytes=_whole(document, "output_bytes"),
        disks=tuple(
            disk for disk in (_disk(entry) for entry in disks[:DISKS_READ]) if disk is not None
        )
        if isinstance(disks, list)
        else (),
    )


def _disk(entry: object) -> Disk | None:
    if not isinstance(entry, Mapping):
        return None
    figures = [
        _whole(entry, name) for name in ("used_bytes", "total_bytes", "used_inodes", "total_inodes")
    ]
    known = [figure for figure in figures if figure is not None]
    return Disk(*known) if len(known) == len(figures) else None


def _whole(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_FIGURE:
        return None
    return value


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= MAX_FIGURE else None
