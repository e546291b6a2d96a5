"""The result of the benchmark as tables for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from tests.benchmarks.containers import PairMemory
from tests.benchmarks.interpreters import Build
from tests.benchmarks.rounds import Latencies, Rate
from tests.benchmarks.sides import Side
from tests.benchmarks.summaries import Summary, paired_ratios, summarise

BASES = ("a", "b")
# CPU seconds a second; what a site at rest with its worker and its warm pools takes is below it.
BUSY_LOAD = 0.25


@dataclass
class Result:
    """Everything one run of the benchmark found."""

    titles: dict[str, str]
    legends: dict[str, str]
    latencies: Latencies = field(default_factory=Latencies)
    rates: dict[tuple[str, int], list[Rate]] = field(default_factory=dict)
    memory: PairMemory | None = None
    builds: dict[str, Build] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sides: Sequence[Side]) -> Result:
        """Return an empty result for `sides`."""
        return cls(
            {side.key: side.title for side in sides}, {side.key: side.legend for side in sides}
        )

    def ratios(self, key: str, base: str) -> Summary | None:
        """A side against another, round by round; None without both."""
        samples = self.latencies.samples
        if not samples.get(key) or not samples.get(base):
            return None
        return summarise(paired_ratios(self.latencies.seconds(key), self.latencies.seconds(base)))

    def best_rate(self, key: str) -> float | None:
        """The most jobs a minute that a side reached at any number at a time (medians)."""
        medians = [
            summarise([rate.per_minute for rate in rates]).median
            for (one, _), rates in self.rates.items()
            if one == key
        ]
        return max(medians, default=None)


def latency_table(result: Result) -> Table:
    """Milliseconds until the result is there, with ratios to the bare sides."""
    table = Table(title="One at a time: milliseconds, median (quartiles)")
    table.add_column("side", no_wrap=True)
    table.add_column("ms", justify="right")
    table.add_column("after", justify="right")
    for base in BASES:
        table.add_column(f"of ({base})", justify="right")
    table.add_column("runs", justify="right")
    table.add_column("warm", justify="right")
    for key, samples in sorted(result.latencies.samples.items()):
        if not samples:
            continue
        ratios = [result.ratios(key, base) for base in BASES]
        after = summarise([sample.after for sample in samples])
        origins = [sample.origin for sample in samples if sample.origin]
        table.add_row(
            f"({key}) {result.titles[key]}",
            summarise(result.latencies.seconds(key)).as_text(scale=1000),
            f"{after.median * 1000:.0f}" if after.most else "",
            *(ratio.as_text("{:.2f}") if ratio else "" for ratio in ratios),
            str(len(samples)),
            f"{origins.count('warm')} of {len(origins)}" if origins else "",
        )
    return table


def rate_table(result: Result) -> Table:
    """Jobs a minute and CPU seconds a job, for each number at a time."""
    numbers = sorted({at_once for _, at_once in result.rates})
    table = Table(title="At saturation: jobs a minute; CPU seconds a job")
    table.add_column("side", no_wrap=True)
    for number in numbers:
        table.add_column(f"{number} at a time", justify="right")
        table.add_column("CPU s", justify="right")
    table.add_column("of (a)", justify="right")
    best = result.best_rate("a")
    for key in sorted({one for one, _ in result.rates}):
        cells = []
        for number in numbers:
            rates = result.rates[key, number]
            cells.append(summarise([rate.per_minute for rate in rates]).as_text())
            cells.append(f"{summarise([rate.cpu_seconds for rate in rates]).median:.2f}")
        own = result.best_rate(key)
        share = f"{own / best:.2f}" if own and best else ""
        table.add_row(f"({key}) {result.titles[key]}", *cells, share)
    return table


def remarks(result: Result) -> list[str]:
    """Sentences without which the tables would mislead."""
    said = [f"({key}) {legend}" for key, legend in result.legends.items()]
    for name, build in result.builds.items():
        said.append(
            f"Python of {name}: {build.version}, {build.calibration_ms:.1f} ms for a fixed "
            "piece of work"
        )
    if result.memory:
        one = result.memory
        said.append(
            f"Memory of a warm pair: app {one.app:.0f} MiB ({one.app_own:.0f} its own), runner "
            f"{one.runner:.0f} MiB ({one.runner_own:.0f} its own); there were {one.apps} apps "
            f"and {one.runners} runners"
        )
    for (key, at_once), rates in sorted(result.rates.items()):
        shares = [rate.warm for rate in rates if rate.warm is not None]
        if any(shares):
            said.append(
                f"({key}), {at_once} at a time: the pool had a container for "
                f"{summarise(shares).median:.0%} of the jobs"
            )
    if any(one.after for samples in result.latencies.samples.values() for one in samples):
        said.append("“after” is tidying up behind the result, which nobody waits for")
    if result.rates:
        idle = summarise([rate.idle for rates in result.rates.values() for rate in rates])
        said.append("At saturation, “of (a)” compares the best numbers at a time of both")
        said.append(
            "CPU seconds are those of the whole machine (/proc/stat) less its idle load, which "
            f"was {idle.as_text('{:.3f}')} CPU s a second"
        )
        if idle.most > BUSY_LOAD:
            said.append(
                f"That load reached {idle.most:.2f}: something else was running, so neither CPU "
                "seconds nor jobs a minute can be trusted"
            )
    if result.latencies.restless:
        said.append(
            f"{result.latencies.restless} runs began although the machine was not calm: something "
            "else was running, so take these numbers with care"
        )
    return said


def as_document(result: Result) -> dict[str, Any]:
    """Return everything as plain data: every sample, not the summaries alone."""
    return {
        "about": dict(result.about),
        "sides": {key: f"{title}: {result.legends[key]}" for key, title in result.titles.items()},
        "pythons": {name: asdict(build) for name, build in result.builds.items()},
        "memory_mib": asdict(result.memory) if result.memory else None,
        "restless_runs": result.latencies.restless,
        "latency_seconds": {
            key: {
                "samples": [asdict(sample) for sample in samples],
                "summary": summarise([one.seconds for one in samples]).as_dict(),
                "ratios": _ratio_documents(result, key),
            }
            for key, samples in result.latencies.samples.items()
            if samples
        },
        "rates": [
            {"side": key} | asdict(rate)
            for (key, _), rates in sorted(result.rates.items())
            for rate in rates
        ],
    }


def _ratio_documents(result: Result, key: str) -> Mapping[str, Any]:
    found = {base: result.ratios(key, base) for base in BASES}
    return {base: ratio.as_dict() for base, ratio in found.items() if ratio}
