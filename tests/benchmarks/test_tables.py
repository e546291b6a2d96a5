import json
from typing import Any

from rich.console import Console

from tests.benchmarks.rounds import Latencies, Rate
from tests.benchmarks.sides import Sample
from tests.benchmarks.tables import Result, as_document, latency_table, rate_table, remarks


def make_rate(at_once: int, per_minute: float, **changes: Any) -> Rate:
    values = {"jobs": 20, "cpu_seconds": 1.0, "idle": 0.02} | changes
    return Rate(at_once=at_once, per_minute=per_minute, **values)


def make_result() -> Result:
    seconds = {"a": [1.0, 2.0, 1.0], "b": [0.5, 1.0, 0.5], "e": [0.3, 0.6, 0.3]}
    return Result(
        titles={"a": "bare, over HTTP", "b": "bare, in-process", "e": "our warm pair"},
        legends={"a": "uvicorn", "b": "TestClient", "e": "the pair"},
        latencies=Latencies(
            {key: [Sample(one, after=0.1, origin="warm" if key == "e" else "") for one in values]
             for key, values in seconds.items()}
        ),
        rates={
            ("a", 1): [make_rate(1, 60.0), make_rate(1, 62.0), make_rate(1, 61.0)],
            ("a", 2): [make_rate(2, 100.0)],
            ("e", 1): [make_rate(1, 90.0, warm=1.0)],
            ("e", 2): [make_rate(2, 95.0, warm=0.25, cpu_seconds=1.2)],
        },
    )  # fmt: skip


def printed(table: object) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_ratios_come_from_the_same_rounds() -> None:
    ratio = make_result().ratios("e", "a")
    assert ratio is not None
    # 0.3 in every round, although the medians' own spread is wide.
    assert (ratio.low, ratio.median, ratio.high) == (0.3, 0.3, 0.3)
    assert make_result().ratios("e", "c") is None


def test_the_best_rate_is_the_best_median() -> None:
    result = make_result()
    assert (result.best_rate("a"), result.best_rate("e")) == (100.0, 95.0)
    assert result.best_rate("f") is None


def test_what_the_tables_say() -> None:
    result = make_result()
    line = next(line for line in printed(latency_table(result)).splitlines() if "(e)" in line)
    assert "300 (300 to 450)" in line
    assert "0.30 (0.30 to 0.30)" in line
    assert "0.60 (0.60 to 0.60)" in line
    assert "3 of 3" in line
    line = next(line for line in printed(rate_table(result)).splitlines() if "(e)" in line)
    assert "95 (95 to 95)" in line
    assert "0.95" in line


def test_what_has_to_be_known_is_said() -> None:
    result = make_result()
    result.latencies.restless = 2
    said = "\n".join(remarks(result))
    assert "(e), 2 at a time: the pool had a container for 25% of the jobs" in said
    assert "2 runs began although the machine was not calm" in said
    assert "/proc/stat" in said
    assert "can be trusted" not in said


def test_a_busy_machine_is_told() -> None:
    result = make_result()
    result.rates["a", 1].append(make_rate(1, 60.0, idle=1.5))
    assert "That load reached 1.50" in "\n".join(remarks(result))


def test_the_document_holds_every_sample() -> None:
    document = json.loads(json.dumps(as_document(make_result())))
    assert [one["seconds"] for one in document["latency_seconds"]["e"]["samples"]] == [
        0.3,
        0.6,
        0.3,
    ]
    assert document["latency_seconds"]["e"]["ratios"]["b"]["median"] == 0.6
    assert len(document["rates"]) == 6
