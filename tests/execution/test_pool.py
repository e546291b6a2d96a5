"""The warm pool, with containers that are made of nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from backpath.execution import pool as pool_module
from backpath.execution.pool import Profile, WarmPool

SECONDS = 10


def make_profile(flavour: str = "flask", **changes) -> Profile:
    return Profile(**{"flavour": flavour, "memory_mb": 256, "pids": 64, "cpus": 1.0} | changes)


@dataclass(eq=False)
class Fake:
    profile: Profile
    warm_since: float
    memory_mb: int = 60
    is_alive: bool = True


class Workshop:
    """Makes fakes, remembers what became of them, and fails when told to."""

    def __init__(self, memory_mb: int = 60) -> None:
        self.made: list[Fake] = []
        self.disposed: list[Fake] = []
        self.failures: list[Exception] = []
        self.attempts: list[float] = []
        self.memory_mb = memory_mb
        self.may_make = threading.Event()
        self.may_make.set()

    def make(self, profile: Profile) -> Fake:
        self.attempts.append(time.monotonic())
        assert self.may_make.wait(SECONDS)
        if self.failures:
            raise self.failures.pop()
        self.made.append(Fake(profile, time.monotonic(), self.memory_mb))
        return self.made[-1]


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def make_pool(workshop) -> Iterator[Callable[..., WarmPool[Fake]]]:
    pools = []

    def make(**options) -> WarmPool[Fake]:
        settings = {"max_size": 3, "max_memory_mb": 1000, "max_age_seconds": 1000.0} | options
        pools.append(WarmPool(make=workshop.make, dispose=workshop.disposed.append, **settings))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def test_what_is_expected_is_warm_before_it_is_asked_for(make_pool, workshop):
    pool = make_pool()
    pool.expect([make_profile()])

    assert pool.wait_until_full(SECONDS)
    assert pool.take(make_profile()) is workshop.made[0]


def test_a_container_is_given_out_once(make_pool):
    pool = make_pool(max_size=2)
    pool.expect([make_profile("flask"), make_profile("django")])
    assert pool.wait_until_full(SECONDS)

    taken = [pool.take(make_profile("flask")), pool.take(make_profile("flask"))]

    assert taken[0] is not None
    assert taken[1] is not taken[0]


def test_nothing_fits_but_the_very_profile(make_pool):
    pool = make_pool()
    pool.expect([make_profile()])
    assert pool.wait_until_full(SECONDS)

    for other in ({"memory_mb": 512}, {"pids": 128}, {"cpus": 0.5}, {"services": ("redis",)}):
        assert pool.take(make_profile(**other)) is None
    assert pool.take(make_profile("fastapi")) is None


def test_an_empty_pool_says_so_at_once_and_learns(make_pool, workshop):
    pool = make_pool()

    assert pool.take(make_profile()) is None
    assert pool.wait_until_full(SECONDS)
    assert workshop.made[0].profile == make_profile()


def test_without_places_nothing_is_ever_made(make_pool, workshop):
    pool = make_pool(max_size=0)
    pool.expect([make_profile()])

    assert pool.take(make_profile()) is None
    assert not pool.is_at_work
    assert workshop.made == []


def test_places_go_where_the_demand_is(make_pool):
    pool = make_pool(max_size=3)
    pool.expect([make_profile("django"), make_profile("fastapi"), make_profile("flask")])
    for _ in range(30):
        pool.take(make_profile("fastapi"))

    wait_for(lambda: pool.sizes().get(make_profile("fastapi"), 0) >= 2)


def test_more_is_kept_while_many_are_asked_for(make_pool):
    pool = make_pool(max_size=3)
    pool.expect([make_profile()])
    assert pool.wait_until_full(SECONDS)
    assert sum(pool.sizes().values()) == 1

    for _ in range(60):
        pool.take(make_profile())

    wait_for(lambda: sum(pool.sizes().values()) > 1)


def test_memory_bounds_the_pool(make_pool, workshop):
    workshop.memory_mb = 90
    pool = make_pool(max_size=10, max_memory_mb=200)
    pool.expect([make_profile(str(number)) for number in range(10)])

    assert pool.wait_until_full(SECONDS)
    assert sum(pool.sizes().values()) == 2


def test_refilling_waits_for_the_run_at_work(make_pool, workshop):
    pool = make_pool()
    pool.run_began()
    pool.take(make_profile())
    time.sleep(0.2)
    assert workshop.attempts == []

    pool.run_ended()

    wait_for(lambda: workshop.made)


def test_a_stream_of_runs_does_not_keep_the_pool_empty_for_ever(make_pool, workshop, monkeypatch):
    monkeypatch.setattr(pool_module, "PATIENCE_SECONDS", 0.1)
    pool = make_pool()
    pool.run_began()

    pool.take(make_profile())

    wait_for(lambda: workshop.made)


def test_a_dead_container_is_not_given_out_and_is_replaced(make_pool, workshop, monkeypatch):
    monkeypatch.setattr(pool_module, "TICK_SECONDS", 0.02)
    pool = make_pool(max_size=1)
    pool.expect([make_profile()])
    assert pool.wait_until_full(SECONDS)
    dead = workshop.made[0]
    dead.is_alive = False

    wait_for(lambda: len(workshop.made) == 2)

    assert pool.take(make_profile()) is workshop.made[1]
    assert workshop.disposed == [dead]


def test_an_old_container_is_replaced(make_pool, workshop, monkeypatch):
    monkeypatch.setattr(pool_module, "TICK_SECONDS", 0.02)
    pool = make_pool(max_size=1, max_age_seconds=0.1)
    pool.expect([make_profile()])

    wait_for(lambda: len(workshop.made) >= 2)

    assert workshop.disposed[0] is workshop.made[0]


def test_what_nobody_asks_for_any_more_goes(make_pool, workshop, monkeypatch):
    monkeypatch.setattr(pool_module, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(pool_module, "SURPLUS_SECONDS", 0.1)
    pool = make_pool()
    pool.take(make_profile())
    assert pool.wait_until_full(SECONDS)
    monkeypatch.setattr(pool_module, "HALF_LIFE_SECONDS", 0.02)

    wait_for(lambda: workshop.disposed)

    assert pool.sizes() == {}


def test_failures_are_told_and_tried_again_ever_more_slowly(make_pool, workshop, monkeypatch):
    monkeypatch.setattr(pool_module, "MAX_BACKOFF_SECONDS", 0.1)
    workshop.failures = [OSError("no space left on device") for _ in range(3)]
    pool = make_pool()
    pool.expect([make_profile()])

    wait_for(lambda: pool.last_error)
    assert pool.last_error == "no space left on device"
    wait_for(lambda: workshop.made)

    assert pool.last_error is None
    pauses = [b - a for a, b in zip(workshop.attempts, workshop.attempts[1:], strict=False)]
    assert min(pauses[:3]) >= 0.1


def test_closing_disposes_of_everything_also_of_what_is_being_made(make_pool, workshop):
    pool = make_pool()
    workshop.may_make.clear()
    pool.expect([make_profile()])
    wait_for(lambda: workshop.attempts)
    closing = threading.Thread(target=pool.close)
    closing.start()
    workshop.may_make.set()
    closing.join(SECONDS)

    assert workshop.disposed == workshop.made
    assert len(workshop.made) == 1
    assert pool.take(make_profile()) is None


def test_many_threads_never_get_the_same_container(make_pool):
    pool = make_pool(max_size=3)
    pool.expect([make_profile()])
    taken: list[Fake] = []

    def work() -> None:
        for _ in range(50):
            container = pool.take(make_profile())
            if container is not None:
                taken.append(container)
            time.sleep(0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert len(taken) > 3
    assert len({id(container) for container in taken}) == len(taken)
