"""What both programs do to themselves first: hide from other processes, end in time."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

PR_SET_DUMPABLE = 4


def make_undumpable() -> None:
    """Close /proc/<pid>/mem, /proc/<pid>/fd and ptrace of this process to others of its uid.

    Learner code shares the agent's uid; without this it could write to the agent's own streams.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")


def ignore_interrupts() -> None:
    """Take SIGINT away from this process.

    Python installs a handler for it, and a PID 1 with a handler can be hit from inside its
    container. A handler that does nothing, unlike SIG_IGN, is not inherited by children.
    """
    signal.signal(signal.SIGINT, lambda _signum, _frame: None)


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution, by name."""
    return {
        dist.metadata["Name"]: dist.version
        for dist in importlib.metadata.distributions()
        if dist.metadata["Name"]
    }


class Watchdog:
    """Ends the whole container at a deadline, whatever its other threads do.

    The container is PID 1's: once this process is gone the kernel kills every other one.
    """

    def __init__(self, seconds: float, on_expiry: Callable[[], None] | None = None) -> None:
        self._deadline = time.monotonic() + seconds
        self._on_expiry = on_expiry
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def reset(self, seconds: float) -> None:
        """Move the deadline to `seconds` from now."""
        self._deadline = time.monotonic() + seconds

    def _watch(self) -> None:
        while True:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                break
            time.sleep(min(remaining, 0.5))
        if self._on_expiry:
            self._on_expiry()
        os._exit(124)


def kill_everything_else() -> None:
    """SIGKILL every process that this one may signal, but itself.

    From PID 1 of a PID namespace that is every process of the container.
    """
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
