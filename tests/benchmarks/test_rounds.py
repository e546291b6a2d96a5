import random
import threading
import time
from dataclasses import dataclass, field

import pytest

from tests.benchmarks.rounds import run_batch, run_rounds
from tests.benchmarks.sides import Sample, SampleFailed


@dataclass
class FakeSide:
    """Counts what is asked of it; each run takes `pause` seconds and fails at `fails_at`."""

    key: str
    log: list[str] = field(default_factory=list)
    pause: float = 0.0
    fails_at: int = 0
    buffer: int = 0
    title: str = "fake"
    legend: str = "a fake"
    runs: int = 0
    opened: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, at_once: int) -> None:
        self.opened.append(at_once)

    def ready(self) -> None:
        self.log.append(f"ready {self.key}")

    def run(self, slot: int) -> Sample:
        with self.lock:
            self.runs += 1
            number = self.runs
        self.log.append(f"run {self.key}")
        time.sleep(self.pause)
        if number == self.fails_at:
            raise SampleFailed("9 of 10 passed")
        return Sample(float(number), origin="warm" if number % 2 else "cold")

    def look_back(self, sample: Sample) -> Sample:
        self.log[-1] += " and looked back"
        return sample

    def close(self) -> None:
        self.log.append(f"close {self.key}")


def rounds_of(sides: list[FakeSide], rounds: int) -> dict[str, list[float]]:
    found = run_rounds(
        sides, rounds=rounds, patience=0, order=random.Random(1), say=lambda _text: None
    )
    return {key: [sample.seconds for sample in samples] for key, samples in found.samples.items()}


def test_every_side_runs_once_a_round_and_the_first_round_is_dropped() -> None:
    log: list[str] = []
    sides = [FakeSide(key, log) for key in "abc"]
    assert rounds_of(sides, 4) == {key: [2.0, 3.0, 4.0, 5.0] for key in "abc"}
    runs = [line.split()[1] for line in log if line.startswith("run")]
    turns = ["".join(runs[start : start + 3]) for start in range(0, len(runs), 3)]
    assert [sorted(turn) for turn in turns] == [list("abc")] * 5
    assert len(set(turns)) > 1


def test_a_side_is_ready_before_each_of_its_runs() -> None:
    log: list[str] = []
    rounds_of([FakeSide("a", log), FakeSide("b", log)], 2)
    for before, after in zip(log[::2], log[1::2], strict=True):
        assert (before.split()[0], after.split()[0]) == ("ready", "run")
        assert before.split()[1] == after.split()[1]
        assert after.endswith("and looked back")


def test_a_run_that_goes_wrong_ends_the_benchmark() -> None:
    with pytest.raises(SampleFailed, match="9 of 10"):
        rounds_of([FakeSide("a", fails_at=3)], 5)


def test_a_batch_counts_after_what_was_prepared_is_used_up() -> None:
    side = FakeSide("e", pause=0.02, buffer=3)
    rate = run_batch(side, jobs=10, at_once=2, patience=0)
    assert side.opened == [2]
    # Two at once for 20 ms each, and never faster than that.
    assert 60 < rate.per_minute <= 2 / 0.02 * 60 * 1.05
    # 3 prepared and 2 at work before counting begins, then 10; the other slot may end one more.
    assert 15 <= side.runs <= 16
    assert (rate.jobs, rate.at_once) == (10, 2)
    assert rate.warm == pytest.approx(0.5, abs=0.11)


def test_a_batch_with_a_failure_measures_nothing() -> None:
    with pytest.raises(SampleFailed):
        run_batch(FakeSide("a", pause=0.01, fails_at=4), jobs=20, at_once=2, patience=0)
