"""What both programs do to themselves first: hide from other processes, take no signals."""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

PR_SET_DUMPABLE = 4
# Written when the image is built: reading every distribution's metadata takes a while.
PACKAGES = Path("/opt/backpath/packages.json")


_libc = ctypes.CDLL(None, use_errno=True)


def set_dumpable(is_dumpable: bool) -> None:
    """Open or close /proc/<pid>/mem, /proc/<pid>/fd and ptrace of this process to its own uid.

    Learner code shares the agent's uid; left open, it could write to the agent's own streams.
    """
    if _libc.prctl(PR_SET_DUMPABLE, int(is_dumpable), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")


def ignore_interrupts() -> None:
    """Take SIGINT away from this process.

    Python installs a handler for it, and a PID 1 with a handler can be hit from inside its
    container. A handler that does nothing, unlike SIG_IGN, is not inherited by children.
    """
    signal.signal(signal.SIGINT, lambda _signum, _frame: None)


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution, by name."""
    if PACKAGES.is_file():
        found: dict[str, str] = json.loads(PACKAGES.read_text(encoding="utf-8"))
        return found
    return {
        dist.metadata["Name"]: dist.version
        for dist in importlib.metadata.distributions()
        if dist.metadata["Name"]
    }


def kill_everything_else() -> None:
    """SIGKILL every process that this one may signal, but itself.

    From PID 1 of a PID namespace that is every process of the container.
    """
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
