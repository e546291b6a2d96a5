from typing import Any

import pytest

from tests.benchmarks.soak import Reading, judge, sentence_of


def make_files(count: int) -> frozenset[str]:
    return frozenset(f"/tmp/{number}" for number in range(count))


def make_reading(jobs: int, **changes: Any) -> Reading:
    values: dict[str, Any] = {
        "containers": 3,
        "worker_mib": 60.0,
        "worker_descriptors": 20,
        "docker_mib": 90.0,
        "docker_descriptors": 50,
        "latency_ms": 400.0,
    } | changes
    return Reading(jobs=jobs, **values)


def verdict_on(*readings: Reading, left: int = 0) -> tuple[str, ...]:
    return judge(list(readings), left=left, most_containers=3).leaks


def test_nothing_stays() -> None:
    readings = [make_reading(0, latency_ms=None), make_reading(100), make_reading(2000)]
    verdict = judge(readings, left=0, most_containers=3)
    assert verdict.leaks == ()
    assert verdict.drift == pytest.approx(1.0)
    assert sentence_of(verdict, 2000).startswith("No leak in 2000 jobs.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"containers": 4}, "4 containers at rest, 3 are expected"),
        ({"worker_descriptors": 60}, "open descriptors of the worker grew from 20 to 60"),
        ({"docker_descriptors": 90}, "open descriptors of Docker grew from 50 to 90"),
        (
            {"files": make_files(40)},
            "temporary files grew from 0 to 40, such as /tmp/0, /tmp/1, /tmp/10",
        ),
    ],
)
def test_what_grows_is_named(changes: dict[str, Any], said: str) -> None:
    assert verdict_on(make_reading(0), make_reading(100), make_reading(200, **changes)) == (said,)


def test_what_is_left_after_the_end_is_named() -> None:
    assert verdict_on(make_reading(100), left=1) == ("1 containers were left after the end",)


def test_what_is_filled_once_is_no_leak() -> None:
    before = make_reading(0, worker_descriptors=4)
    assert (
        verdict_on(
            before, make_reading(100, files=make_files(30)), make_reading(200, files=make_files(31))
        )
        == ()
    )


def test_what_may_not_be_looked_at_is_not_judged() -> None:
    hidden = {"docker_mib": None, "docker_descriptors": None}
    assert verdict_on(make_reading(100, **hidden), make_reading(200, **hidden)) == ()


def test_slower_is_said_and_is_no_leak() -> None:
    readings = [make_reading(100), make_reading(200, latency_ms=500.0)]
    verdict = judge(readings, left=0, most_containers=3)
    assert verdict.leaks == ()
    assert "1.25 of the first's" in sentence_of(verdict, 200)


def test_a_leak_is_the_last_word() -> None:
    verdict = judge(
        [make_reading(100), make_reading(200, files=make_files(40))], left=2, most_containers=3
    )
    assert sentence_of(verdict, 200).startswith("LEAK after 200 jobs: 2 containers were left")
