"""What the machine did: CPU time, memory, open descriptors, files. Linux alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
# Of all CPUs together: what a desktop does while nobody touches it.
CALM_SHARE = 0.06
CALM_WINDOW_SECONDS = 0.25


def busy_seconds() -> float:
    """CPU seconds that all CPUs together have worked since the machine started.

    Neither idle time, nor waiting for disks, nor what a hypervisor took away.
    """
    return parse_busy_seconds((PROC / "stat").read_text())


def parse_busy_seconds(stat: str) -> float:
    """As `busy_seconds`, from the text of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.split("\n", 1)[0].split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def idle_load(seconds: float) -> float:
    """CPU seconds a second that the machine works while nothing is asked of it."""
    started, before = time.monotonic(), busy_seconds()
    time.sleep(seconds)
    return (busy_seconds() - before) / (time.monotonic() - started)


def wait_until_calm(patience: float) -> bool:
    """Wait until the machine does next to nothing; False after `patience` seconds."""
    deadline = time.monotonic() + patience
    cpus = os.cpu_count() or 1
    while time.monotonic() < deadline:
        if idle_load(CALM_WINDOW_SECONDS) / cpus <= CALM_SHARE:
            return True
    return False


def processes_named(*names: str) -> list[int]:
    """Numbers of the processes whose command has one of these names."""
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                if (folder / "comm").read_text().strip() in names:
                    found.append(int(folder.name))
            except OSError:
                continue
    return sorted(found)


def family_of(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    family, waiting = [], [pid]
    while waiting:
        member = waiting.pop()
        family.append(member)
        waiting += children.get(member, [])
    return family


def resident_mib(pids: Iterable[int]) -> float | None:
    """Resident memory of processes together in MiB; None when one may not be looked at."""
    pages = 0
    for pid in pids:
        try:
            pages += int((PROC / str(pid) / "statm").read_text().split()[1])
        except FileNotFoundError:
            continue
        except (OSError, IndexError):
            return None
    return pages * PAGE / MIB


def open_descriptors(pids: Iterable[int]) -> int | None:
    """Open descriptors of processes together; None when one may not be looked at."""
    found = 0
    for pid in pids:
        try:
            found += sum(1 for _ in (PROC / str(pid) / "fd").iterdir())
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return found


def files_below(*folders: Path) -> frozenset[str]:
    """Paths of files and folders below `folders`; what goes while one looks may be missing."""
    return frozenset(
        str(Path(place) / name)
        for folder in folders
        for place, names, files in os.walk(folder)
        for name in (*names, *files)
    )
