"""A small event loop for the two PID 1s: one thread, so that each may fork at any time.

asyncio would do, but a forked child would inherit its loop, and learner code starts loops of
its own.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import time
from collections.abc import Callable
from contextlib import suppress

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Timer:
    """A call that is still to come, unless cancelled."""

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forget the call."""
        self.call = None


class Loop:
    """Calls back when descriptors are ready and when times have come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._is_running = False

    def watch(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Call `callback` with the ready events of `fd`; no events stops watching it."""
        if not events:
            self.unwatch(fd)
        elif fd in self._selector.get_map():
            self._selector.modify(fd, events, callback)
        else:
            self._selector.register(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`; nothing happens if it is not watched."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call once after `seconds`."""
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, (timer.when, next(self._count), timer))
        return timer

    def run(self) -> None:
        """Run until `stop` is called."""
        self._is_running = True
        while self._is_running:
            for key, events in self._selector.select(self._next_wait()):
                # An earlier callback of this round may have closed it.
                if self._selector.get_map().get(key.fd) == key:
                    key.data(events)
            self._call_timers()

    def stop(self) -> None:
        """Let `run` return after the callbacks at hand."""
        self._is_running = False

    def close(self) -> None:
        """Let go of the kernel's side: in a forked child it is still shared with the parent."""
        self._selector.close()

    def _next_wait(self) -> float | None:
        if not self._is_running:
            return 0.0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _call_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                timer.call()


class Outbox:
    """Buffered writes to a descriptor that must never make the loop wait."""

    def __init__(self, loop: Loop, fd: int) -> None:
        os.set_blocking(fd, False)
        self._loop = loop
        self.fd = fd
        self._buffer = bytearray()
        self.on_drained: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._buffer)

    def write(self, data: bytes) -> None:
        """Write what the descriptor takes now and the rest later. Raises OSError when closed."""
        if not self._buffer:
            with suppress(BlockingIOError):
                data = data[os.write(self.fd, data) :]
            if not data:
                return
            self._loop.watch(self.fd, WRITE, self._flush)
        self._buffer += data

    def flush(self, seconds: float = 10.0) -> None:
        """Write everything now, waiting for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self._buffer and time.monotonic() < deadline:
            self._flush(WRITE)
            time.sleep(0.001 if self._buffer else 0)

    def _flush(self, _events: int) -> None:
        try:
            del self._buffer[: os.write(self.fd, self._buffer[: 1 << 18])]
        except BlockingIOError:
            return
        if not self._buffer:
            self._loop.unwatch(self.fd)
            if self.on_drained is not None:
                self.on_drained()
