"""Containers that are warm before anybody needs them.

    pool = WarmPool(make=…, dispose=…, max_size=…, max_memory_mb=…)
    pool.expect([profile])          what will probably be asked for
    container = pool.take(profile)  a warm one, or None: then make a cold one
    pool.close()                    dispose of them all

One thread refills it, one container at a time, while no run is at work or none has been for a
moment: whoever is being graded now comes before whoever might be next. What is kept follows
what was asked for lately, within the bounds on number and memory. This module knows nothing of
Docker.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

logger = logging.getLogger(__name__)

HALF_LIFE_SECONDS: Final = 300.0
EXPECTED_WEIGHT: Final = 0.05
RATE_WINDOW_SECONDS: Final = 60.0
# How long a steady stream of runs may keep the pool from being refilled.
PATIENCE_SECONDS: Final = 3.0
MAX_BACKOFF_SECONDS: Final = 30.0
TICK_SECONDS: Final = 5.0
SURPLUS_SECONDS: Final = 60.0
FORGOTTEN_WEIGHT: Final = 0.01


@dataclass(frozen=True)
class Profile:
    """What distinguishes one warm container from another."""

    flavour: str
    memory_mb: int
    pids: int
    cpus: float
    services: tuple[str, ...] = ()


class Warm(Protocol):
    """What the pool has to know of a container."""

    profile: Profile
    warm_since: float
    memory_mb: int

    @property
    def is_alive(self) -> bool:
        """Whether it could still be used."""


@dataclass
class _Demand:
    """How often a profile was asked for, the recent past weighing most."""

    weight: float = 0.0
    at: float = field(default_factory=time.monotonic)
    is_expected: bool = False

    def now(self, now: float) -> float:
        return self._faded(now) + (EXPECTED_WEIGHT if self.is_expected else 0.0)

    def add(self, now: float) -> None:
        self.weight = self._faded(now) + 1.0
        self.at = now

    def _faded(self, now: float) -> float:
        return self.weight * math.exp2(-(now - self.at) / HALF_LIFE_SECONDS)


class WarmPool[T: Warm]:
    """Keeps warm containers; safe to use from several threads.

    `make` returns a warm container or raises; `dispose` removes one. `max_memory_mb` bounds the
    sum of what the containers themselves say they use.
    """

    def __init__(
        self,
        *,
        make: Callable[[Profile], T],
        dispose: Callable[[T], None],
        max_size: int,
        max_memory_mb: int,
        max_age_seconds: float,
    ) -> None:
        self._make = make
        self._dispose = dispose
        self._max_size = max_size
        self._max_memory_mb = max_memory_mb
        self._max_age_seconds = max_age_seconds
        self._ready: list[T] = []
        self._demand: dict[Profile, _Demand] = {}
        self._takes: deque[float] = deque()
        self._surplus_since: dict[Profile, float] = {}
        self._running = 0
        self._busy_since = 0.0
        self._make_seconds = 1.0
        self._changed = threading.Condition()
        self._is_closed = False
        self._failures = 0
        self.last_error: str | None = None
        self._thread: threading.Thread | None = None

    # What runs use -----------------------------------------------------------------------

    def expect(self, profiles: Iterable[Profile]) -> None:
        """Count these as asked for now and then, and begin to warm up."""
        with self._changed:
            for profile in profiles:
                self._demand.setdefault(profile, _Demand()).is_expected = True
            self._start()
            self._changed.notify_all()

    def take(self, profile: Profile) -> T | None:
        """Return a warm container of `profile`, which is the caller's now, or None."""
        now = time.monotonic()
        found = None
        with self._changed:
            self._demand.setdefault(profile, _Demand()).add(now)
            self._takes.append(now)
            for container in self._ready:
                if container.profile == profile and container.is_alive:
                    found = container
                    break
            if found is not None:
                self._ready.remove(found)
            self._start()
            self._changed.notify_all()
        return found

    def run_began(self) -> None:
        """A run is at work: refilling waits."""
        with self._changed:
            if self._running == 0:
                self._busy_since = time.monotonic()
            self._running += 1

    def run_ended(self) -> None:
        """The run is over."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    # What operators and benchmarks look at --------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        """Whether anything was asked of it yet."""
        return self._thread is not None

    def sizes(self) -> dict[Profile, int]:
        """How many are ready, by profile."""
        with self._changed:
            counts: dict[Profile, int] = {}
            for container in self._ready:
                counts[container.profile] = counts.get(container.profile, 0) + 1
            return counts

    def wait_until_full(self, seconds: float) -> bool:
        """Wait until there is nothing to refill; return whether that came true in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._is_closed and (self._missing() is not None or not self._demand):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
            return not self._is_closed

    def close(self) -> None:
        """Stop refilling and dispose of everything."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=90)
        with self._changed:
            ready, self._ready = self._ready, []
        for container in ready:
            self._dispose(container)

    # The refilling thread ----------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None and self._max_size > 0 and not self._is_closed:
            self._thread = threading.Thread(target=self._refill, name="warm-pool", daemon=True)
            self._thread.start()

    def _refill(self) -> None:
        while True:
            with self._changed:
                if self._is_closed:
                    return
                retired = self._retire()
                profile = self._missing()
                wait = self._seconds_to_wait(profile)
                if wait is not None and not retired:
                    self._changed.wait(wait)
                    continue
            for container in retired:
                with suppress(Exception):
                    self._dispose(container)
            if profile is not None and wait is None:
                self._make_one(profile)

    def _seconds_to_wait(self, profile: Profile | None) -> float | None:
        """How long to sleep before looking again; None to make one now."""
        if profile is None:
            return TICK_SECONDS
        if self._running and time.monotonic() - self._busy_since < PATIENCE_SECONDS:
            return PATIENCE_SECONDS
        return None

    def _make_one(self, profile: Profile) -> None:
        began = time.monotonic()
        try:
            container = self._make(profile)
        except Exception as error:
            # Whatever it is, jobs take the cold path meanwhile, and the operator is told.
            self._failures += 1
            pause = min(2.0 ** (self._failures - 1), MAX_BACKOFF_SECONDS)
            self.last_error = str(error) or type(error).__name__
            logger.warning("Cannot warm up a container; again in %g s: %s", pause, self.last_error)
            deadline = time.monotonic() + pause
            with self._changed:
                while not self._is_closed and (left := deadline - time.monotonic()) > 0:
                    self._changed.wait(left)
            return
        self._failures = 0
        self.last_error = None
        self._make_seconds = 0.7 * self._make_seconds + 0.3 * (time.monotonic() - began)
        with self._changed:
            if not self._is_closed:
                self._ready.append(container)
                self._changed.notify_all()
                return
        self._dispose(container)

    # Decisions; all of them hold the lock ----------------------------------------------------

    def _retire(self) -> list[T]:
        """Take out what is dead, old, or has been more than is wanted for a while."""
        now = time.monotonic()
        wanted = self._wanted(now)
        retired = []
        for profile in {container.profile for container in self._ready}:
            mine = [container for container in self._ready if container.profile == profile]
            keep = len(mine)
            if keep <= wanted.get(profile, 0):
                self._surplus_since.pop(profile, None)
            elif now - self._surplus_since.setdefault(profile, now) > SURPLUS_SECONDS:
                keep = wanted.get(profile, 0)
            for position, container in enumerate(mine):
                is_old = now - container.warm_since > self._max_age_seconds
                if not container.is_alive or is_old or position >= keep:
                    retired.append(container)
        self._ready = [container for container in self._ready if container not in retired]
        return retired

    def _missing(self) -> Profile | None:
        """The profile that is furthest from what is wanted of it, if there is room."""
        wanted = self._wanted(time.monotonic())
        counts: dict[Profile, int] = {}
        memory = 0
        for container in self._ready:
            if container.is_alive:
                counts[container.profile] = counts.get(container.profile, 0) + 1
                memory += container.memory_mb
        largest = max((container.memory_mb for container in self._ready), default=0)
        if len(self._ready) >= self._max_size or memory + largest > self._max_memory_mb:
            return None
        lacking = {profile: size - counts.get(profile, 0) for profile, size in wanted.items()}
        best = max(lacking, key=lambda profile: lacking[profile], default=None)
        return best if best is not None and lacking[best] > 0 else None

    def _wanted(self, now: float) -> dict[Profile, int]:
        """How many of each profile: more while many are asked for, shared by demand."""
        while self._takes and now - self._takes[0] > RATE_WINDOW_SECONDS:
            self._takes.popleft()
        weights = {profile: demand.now(now) for profile, demand in self._demand.items()}
        for profile, weight in list(weights.items()):
            if weight < FORGOTTEN_WEIGHT:
                del self._demand[profile], weights[profile]
        if not weights:
            return {}
        rate = len(self._takes) / RATE_WINDOW_SECONDS
        ahead = math.ceil(rate * self._make_seconds * 3) + 1
        size = min(self._max_size, max(ahead, min(len(weights), self._max_size)))
        wanted = dict.fromkeys(weights, 0)
        for _ in range(size):
            # Each place goes to whoever is owed most for the places it has.
            owed = {profile: weights[profile] / (wanted[profile] + 1) for profile in wanted}
            wanted[max(owed, key=lambda profile: owed[profile])] += 1
        return wanted
