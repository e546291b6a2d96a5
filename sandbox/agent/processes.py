"""The processes of the app container, of which this one is PID 1: it forks them and reaps them."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from wire.loop import READ, Loop
from wire.process import kill_everything_else

LAST_ONES_SECONDS = 5.0


class Processes:
    """Knows how its children ended; reaps every orphan, for PID 1 inherits them all."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._watched: dict[int, int | None] = {}
        self.on_exit: Callable[[], None] | None = None
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)
        self._wakened.setblocking(False)
        # Without a handler of Python's the wakeup descriptor stays silent.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        loop.watch(self._wakened.fileno(), READ, self._woken)

    def abandon(self) -> None:
        """Forget the descriptors; for a forked child, which has closed their numbers."""
        self._waker.detach()
        self._wakened.detach()

    def add(self, pid: int) -> None:
        """Remember how `pid` ends."""
        self._watched[pid] = None

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of `pid`, negative for a signal; None while it runs."""
        self.reap()
        return self._watched.get(pid)

    def is_running(self, pid: int) -> bool:
        """Whether `pid`, which was added, has not ended."""
        return self.exit_code(pid) is None

    def reap(self) -> None:
        """Collect everything that has ended."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid in self._watched:
                    self._watched[pid] = os.waitstatus_to_exitcode(status)

    def kill_all(self) -> None:
        """SIGKILL every other process of the container, and see them gone."""
        deadline = time.monotonic() + LAST_ONES_SECONDS
        while True:
            kill_everything_else()
            self.reap()
            if not self._others() or time.monotonic() > deadline:
                return
            time.sleep(0.0005)

    @staticmethod
    def _others() -> list[int]:
        own = os.getpid()
        return [
            pid
            for name in os.listdir("/proc")  # noqa: PTH208 - names are all it takes
            if name.isdigit() and (pid := int(name)) != own
        ]

    def _woken(self, _events: int) -> None:
        with suppress(BlockingIOError):
            while self._wakened.recv(4096):
                pass
        self.reap()
        if self.on_exit is not None:
            self.on_exit()
