"""The inside record: what the agent tells the platform of the limits that its container met.

The platform shows it as an explanation and takes no verdict from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from agent import cgroup

WRITABLE = (Path("/work"), Path("/data"), Path("/tmp"))  # noqa: S108 - the container's own tmpfs


class InsideRecord:
    """Keeps the highest figure of every sample.

    The kernel's counters only rise. Disks, descriptors and files are looked at before a service
    is stopped, since the next one starts with empty folders.
    """

    def __init__(
        self,
        *,
        root: Path = cgroup.ROOT,
        proc: Path = cgroup.PROC,
        writable: Sequence[Path] = WRITABLE,
    ) -> None:
        self._root = root
        self._proc = proc
        self._writable = writable
        self._open_files: int | None = None
        self._largest_file: int | None = None
        self._output: int | None = None
        self._disks: dict[str, cgroup.TmpfsUsage] = {}

    def sample(self, *, output_bytes: int | None = None) -> None:
        """Look at what the running service uses; `output_bytes` is all that it has printed."""
        self._open_files = _higher(self._open_files, cgroup.most_open_files(self._proc))
        self._largest_file = _higher(self._largest_file, cgroup.largest_file_bytes(self._writable))
        self._output = _higher(self._output, output_bytes)
        for disk in cgroup.tmpfs_usage(self._writable):
            known = self._disks.get(disk.path, disk)
            self._disks[disk.path] = replace(
                disk,
                used_bytes=max(disk.used_bytes, known.used_bytes),
                used_inodes=max(disk.used_inodes, known.used_inodes),
            )

    def as_json(self) -> dict[str, object]:
        """Return what is known, as JSON values; a figure that nobody keeps is None.

        Keys: `cpu_seconds`, `peak_memory_bytes`, `out_of_memory_kills`, `process_limit_hits`,
        `open_files` (of the process that had most), `largest_file_bytes`, `output_bytes` and
        `disks`, a list of objects with `path`, `used_bytes`, `total_bytes`, `used_inodes`,
        `total_inodes`.
        """
        return {
            "cpu_seconds": cgroup.cpu_seconds(self._root),
            "peak_memory_bytes": cgroup.peak_memory_bytes(self._root),
            "out_of_memory_kills": cgroup.out_of_memory_kills(self._root),
            "process_limit_hits": cgroup.process_limit_hits(self._root),
            "open_files": self._open_files,
            "largest_file_bytes": self._largest_file,
            "output_bytes": self._output,
            "disks": [asdict(disk) for disk in self._disks.values()],
        }


def _higher(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)
