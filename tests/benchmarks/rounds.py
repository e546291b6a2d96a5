"""Samples one by one, side by side; and many runs at a time, for as long as it takes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.machine import busy_seconds, idle_load, wait_until_calm
from tests.benchmarks.sides import Sample, Side

IDLE_SECONDS = 2.0


@dataclass
class Latencies:
    """Samples of each side by its letter, one a round, and how often calm did not come."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    restless: int = 0

    def seconds(self, key: str) -> list[float]:
        """The seconds of a side, in the order of the rounds."""
        return [sample.seconds for sample in self.samples[key]]


def run_rounds(
    sides: Sequence[Side],
    *,
    rounds: int,
    patience: float,
    order: random.Random,
    say: Callable[[str], None],
) -> Latencies:
    """Run each side once a round, in a new order each time; a first round is thrown away.

    Before each run its side must be ready and the machine calm, for which `patience` seconds are
    waited. Raises SampleFailed when a run goes wrong: no sample is ever left out.
    """
    found = Latencies({side.key: [] for side in sides})
    for number in range(rounds + 1):
        turn = list(sides)
        order.shuffle(turn)
        for side in turn:
            what = f"round {number} of {rounds}" if number else "warming up"
            say(f"{what}, ({side.key})")
            side.ready()
            is_calm = wait_until_calm(patience) if patience else True
            sample = side.look_back(side.run(0))
            if number:
                found.samples[side.key].append(sample)
                found.restless += not is_calm
    return found


@dataclass(frozen=True)
class Rate:
    """One batch at saturation: jobs a minute, and CPU seconds of the whole machine for each.

    `idle` is the load (CPU seconds a second) of the machine just before, which is taken off.
    `warm` is the share of runs that the pool had a container for, None for sides without a pool.
    """

    at_once: int
    jobs: int
    per_minute: float
    cpu_seconds: float
    idle: float
    warm: float | None = None


class _Window:
    """Counts runs as they end; between two counts it knows time and CPU."""

    def __init__(self, *, lead_in: int, jobs: int) -> None:
        self._lead_in, self._jobs = lead_in, jobs
        self._lock = threading.Lock()
        self._ended = 0
        self._marks: list[tuple[float, float]] = []
        self.is_over = threading.Event()
        self.errors: list[BaseException] = []
        self.origins: list[str] = []
        if not lead_in:
            self._mark()

    def count(self, sample: Sample) -> None:
        """A run has ended."""
        with self._lock:
            self._ended += 1
            if sample.origin and self._lead_in < self._ended <= self._lead_in + self._jobs:
                self.origins.append(sample.origin)
            if self._ended == self._lead_in:
                self._mark()
            elif self._ended == self._lead_in + self._jobs:
                self._mark()
                self.is_over.set()

    def fail(self, error: BaseException) -> None:
        """A run went wrong; the batch ends."""
        with self._lock:
            self.errors.append(error)
        self.is_over.set()

    def measured(self) -> tuple[float, float]:
        """Seconds and CPU seconds between the marks."""
        (started, before), (ended, after) = self._marks
        return ended - started, after - before

    def _mark(self) -> None:
        self._marks.append((time.monotonic(), busy_seconds()))


def run_batch(side: Side, *, jobs: int, at_once: int, patience: float) -> Rate:
    """Keep `at_once` runs going until `jobs` of them have ended in a steady state.

    What was prepared beforehand is used up before counting begins, and when it ends all are still
    busy: so a full pool is no head start, and its refilling is paid for. Raises SampleFailed.
    """
    side.open(at_once)
    side.ready()
    if patience:
        wait_until_calm(patience)
    idle = idle_load(IDLE_SECONDS)
    window = _Window(lead_in=side.buffer + at_once, jobs=jobs)

    def work(slot: int) -> None:
        try:
            while not window.is_over.is_set():
                window.count(side.run(slot))
        except BaseException as error:
            window.fail(error)

    threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if window.errors:
        raise window.errors[0]
    seconds, cpu = window.measured()
    return Rate(
        at_once=at_once,
        jobs=jobs,
        per_minute=jobs / seconds * 60,
        cpu_seconds=(cpu - idle * seconds) / jobs,
        idle=idle,
        warm=window.origins.count("warm") / len(window.origins) if window.origins else None,
    )


def run_batches(
    sides: Sequence[Side],
    *,
    at_a_time: Sequence[int],
    rounds: int,
    jobs: int,
    patience: float,
    order: random.Random,
    say: Callable[[str], None],
) -> dict[tuple[str, int], list[Rate]]:
    """Run a batch of each side for each number at a time, `rounds` times, in a new order each."""
    found: dict[tuple[str, int], list[Rate]] = {}
    for number in range(1, rounds + 1):
        for at_once in at_a_time:
            turn = list(sides)
            order.shuffle(turn)
            for side in turn:
                say(f"saturation {number} of {rounds}, ({side.key}), {at_once} at a time")
                rate = run_batch(side, jobs=jobs, at_once=at_once, patience=patience)
                found.setdefault((side.key, at_once), []).append(rate)
    return found
