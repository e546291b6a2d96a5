"""The inside record: what the agent tells the platform of the limits that its container met.

The platform shows it as an explanation and takes no verdict from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from agent import cgroup

WRITABLE = (Path("/work"), Path("/data"), Path("/tmp"))  # noqa: S108 - the container's own tmpfs


def inside_record(
    *,
    output_bytes: int | None = None,
    root: Path = cgroup.ROOT,
    proc: Path = cgroup.PROC,
    writable: Sequence[Path] = WRITABLE,
) -> dict[str, object]:
    """Return what is known now, as JSON values; a figure that nobody keeps is None.

    Keys: `cpu_seconds`, `peak_memory_bytes`, `out_of_memory_kills`, `process_limit_hits`,
    `open_files` (of the process that has most), `largest_file_bytes`, `output_bytes` (all that
    the service printed) and `disks`, a list of objects with `path`, `used_bytes`, `total_bytes`,
    `used_inodes`, `total_inodes`.
    """
    return {
        "cpu_seconds": cgroup.cpu_seconds(root),
        "peak_memory_bytes": cgroup.peak_memory_bytes(root),
        "out_of_memory_kills": cgroup.out_of_memory_kills(root),
        "process_limit_hits": cgroup.process_limit_hits(root),
        "open_files": cgroup.most_open_files(proc),
        "largest_file_bytes": cgroup.largest_file_bytes(writable),
        "output_bytes": output_bytes,
        "disks": [asdict(disk) for disk in cgroup.tmpfs_usage(writable)],
    }
