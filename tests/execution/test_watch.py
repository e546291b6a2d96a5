"""The CPU clock and the highest figures of a run, over made-up samples and a made-up time."""

from dataclasses import replace

import pytest

from backpath.execution.inside import InsideRecord
from backpath.execution.limits import Clocks, find_limit
from backpath.execution.outcome import LimitHit
from backpath.execution.usage import Usage
from backpath.execution.watch import CLOSEST_SECONDS, LimitWatch

LIMITS = {"wall_seconds": 60, "app_memory_mb": 64, "app_pids": 64, "app_cpus": 1.0}
USAGE = Usage(
    memory_bytes=1000,
    peak_memory_bytes=None,
    memory_limit_bytes=64 << 20,
    memory_limit_hits=None,
    cpu_seconds=0.0,
    processes=3,
    process_limit=64,
)


class Container:
    """Computes all the time, on `cpus` processors, from a start of 5 CPU seconds."""

    def __init__(self, *, cpus: float = 1.0) -> None:
        self.time = 100.0
        self.cpus = cpus
        self.reads = 0
        self.answers = True
        self.processes = 3

    def now(self) -> float:
        return self.time

    def read(self) -> Usage | None:
        self.reads += 1
        if not self.answers:
            return None
        used = 5.0 + (self.time - 100.0) * self.cpus
        return replace(USAGE, cpu_seconds=used, processes=self.processes)


def make_watch(container: Container, **limits: object) -> LimitWatch:
    return LimitWatch(LIMITS | limits, container.read, now=container.now)


def run_until_over(container: Container, watch: LimitWatch, *, seconds: float) -> float | None:
    """Let time go by as a session would; return when the computing time was used up."""
    end = container.time + seconds
    while container.time < end:
        container.time += min(0.5, watch.seconds_to_next)
        if watch.look():
            return container.time
    return None


def test_before_the_app_is_ready_nothing_is_looked_at() -> None:
    container = Container()
    watch = make_watch(container, cpu_seconds=1)
    assert run_until_over(container, watch, seconds=30) is None
    assert container.reads == 0


@pytest.mark.parametrize(("limit", "cpus"), [(1, 1.0), (3, 1.0), (7, 2.0), (2, 0.5)])
def test_the_clock_starts_when_the_app_is_ready_and_ends_close_to_the_limit(
    limit: int, cpus: float
) -> None:
    container = Container(cpus=cpus)
    watch = make_watch(container, cpu_seconds=limit, app_cpus=cpus)
    container.time += 20  # starting costs none of it
    watch.app_is_ready()
    ready_at = container.time
    over_at = run_until_over(container, watch, seconds=60)
    assert over_at is not None
    beyond = over_at - ready_at - limit / cpus
    assert 0 <= beyond <= CLOSEST_SECONDS + 1e-6
    hit = find_limit(LIMITS | {"cpu_seconds": limit}, watch.evidence(ended_by="cpu"))
    assert hit is not None
    assert (hit.kind, hit.limit) == ("cpu", float(limit))
    assert hit.used == pytest.approx(limit, abs=CLOSEST_SECONDS * cpus + 0.01)


def test_starting_the_app_again_does_not_start_the_clock_again() -> None:
    container = Container()
    watch = make_watch(container, cpu_seconds=3)
    watch.app_is_ready()
    container.time += 2
    watch.look()
    watch.app_is_ready()
    assert run_until_over(container, watch, seconds=60) == pytest.approx(103.0, abs=0.11)


def test_without_a_limit_one_look_a_second_is_enough_and_nothing_is_ever_over() -> None:
    container = Container()
    watch = make_watch(container)
    watch.app_is_ready()
    assert container.reads == 0
    assert run_until_over(container, watch, seconds=20.4) is None
    assert container.reads == 20


def test_an_engine_that_does_not_answer_ends_nothing() -> None:
    container = Container()
    container.answers = False
    watch = make_watch(container, cpu_seconds=1)
    watch.app_is_ready()
    assert run_until_over(container, watch, seconds=20) is None
    evidence = watch.evidence()
    assert evidence.usage is None
    assert evidence.clocks == Clocks(pytest.approx(20, abs=1), None, "")


def test_a_peak_between_two_calm_samples_is_kept() -> None:
    container = Container()
    watch = make_watch(container)
    watch.app_is_ready()
    for processes in (3, 64, 3):
        container.processes = processes
        container.time += 1.1
        watch.look()
    assert find_limit(LIMITS, watch.evidence()) == LimitHit("processes", 64, 64, "processes")


def test_an_app_that_never_got_ready_is_sampled_at_the_end() -> None:
    container = Container()
    container.processes = 64
    watch = make_watch(container, cpu_seconds=1)
    evidence = watch.evidence(inside=InsideRecord(process_limit_hits=9))
    assert evidence.clocks == Clocks(0.0, None, "")
    assert find_limit(LIMITS, evidence) == LimitHit("processes", 64, 64, "processes")


def test_what_the_app_uses_after_the_end_is_not_counted() -> None:
    container = Container()
    watch = make_watch(container, cpu_seconds=2)
    watch.app_is_ready()
    assert run_until_over(container, watch, seconds=60) is not None
    container.time += 0.5
    watch.stop()
    container.time += 30
    reads = container.reads
    clocks = watch.evidence(ended_by="cpu").clocks
    assert clocks.cpu_seconds == pytest.approx(2.0, abs=0.11)
    assert clocks.wall_seconds == pytest.approx(2.5, abs=0.11)
    assert container.reads == reads
