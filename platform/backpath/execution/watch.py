"""Watching what an app uses while it is graded: the CPU clock and the highest figures.

Whoever drives the run asks `seconds_to_next` how long it may wait and calls `look` then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from backpath.execution.inside import NOTHING_TOLD, InsideRecord
from backpath.execution.limits import (
    Clocks,
    CpuClock,
    EndedBy,
    Evidence,
    cpu_limit_seconds,
)
from backpath.execution.usage import Usage, highest

EVERY_SECONDS: Final = 1.0
# The nearer the limit the closer the looks, down to this: what a run may use beyond its limit.
CLOSEST_SECONDS: Final = 0.1


class LimitWatch:
    """Follows one run; use once.

    `read` returns what the container has used since its start, or None where that is not known.
    """

    def __init__(
        self,
        limits: Mapping[str, Any],
        read: Callable[[], Usage | None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._now = now
        self._cpu_limit = cpu_limit_seconds(limits)
        self._cpus = max(float(limits.get("app_cpus") or 1.0), CLOSEST_SECONDS)
        self._clock = CpuClock(self._cpu_limit)
        self._highest: Usage | None = None
        self._ready_at: float | None = None
        self._next_at: float | None = None
        self._stopped_at: float | None = None

    def app_is_ready(self) -> None:
        """Start the clocks. Only the first call counts: the app may be started again."""
        if self._ready_at is not None:
            return
        self._ready_at = self._now()
        self._next_at = self._ready_at + EVERY_SECONDS
        if self._cpu_limit is not None:
            # Without a limit nobody asks for the first figure, and the run need not wait for it.
            self._sample()

    @property
    def seconds_to_next(self) -> float:
        """How long nothing has to be looked at; infinite before the app is ready."""
        return float("inf") if self._next_at is None else max(0.0, self._next_at - self._now())

    def look(self) -> bool:
        """Take a sample if one is due; return whether the computing time is used up."""
        if self.seconds_to_next > 0:
            return False
        self._sample()
        return self.is_over

    @property
    def is_over(self) -> bool:
        """Whether the computing time was used up at the last look."""
        return self._clock.is_over

    def stop(self) -> None:
        """Stop the clocks and take a last sample: what the app uses from here on is not counted."""
        if self._stopped_at is None:
            self._stopped_at = self._now()
            self._sample()

    def evidence(
        self,
        *,
        ended_by: EndedBy = "",
        ran_out_of_memory: bool = False,
        inside: InsideRecord = NOTHING_TOLD,
        output_bytes: int | None = None,
    ) -> Evidence:
        """Stop the clocks, unless that is done, and return what is known."""
        self.stop()
        stopped_at = self._stopped_at or 0.0
        wall_seconds = 0.0 if self._ready_at is None else stopped_at - self._ready_at
        return Evidence(
            clocks=Clocks(wall_seconds, self._clock.used_seconds, ended_by),
            usage=self._highest,
            ran_out_of_memory=ran_out_of_memory,
            inside=inside,
            output_bytes=output_bytes,
        )

    def _sample(self) -> None:
        usage = self._read()
        if usage is not None:
            self._highest = highest(self._highest, usage)
            # What ended a run is the figure that did, not what was used on the way out.
            if self._ready_at is not None and not self.is_over:
                self._clock.take(usage.cpu_seconds)
        if self._next_at is not None:
            self._next_at = self._now() + self._pause()

    def _pause(self) -> float:
        """Return the seconds until the limit could be reached, between the two bounds."""
        if self._cpu_limit is None:
            return EVERY_SECONDS
        left = (self._cpu_limit - (self._clock.used_seconds or 0.0)) / self._cpus
        return min(EVERY_SECONDS, max(CLOSEST_SECONDS, left))
