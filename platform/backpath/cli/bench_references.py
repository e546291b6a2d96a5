"""`./dev bench references`: where the time of a grading goes, for every reference of an assignment.

The references take turns in each round, so that a machine's mood hits all of them alike; what
is printed are medians, the spread, and the share of the whole that is not spent on checks.
"""

from __future__ import annotations

import secrets
import statistics
from typing import Annotated

import typer
from rich.table import Table

from backpath.cli.console import CommandFailed, console, progress
from backpath.cli.grade import SEED_LIMIT, find_assignment, make_request, read_path
from backpath.cli.images import prepare_sandbox
from backpath.cli.paths import REPOSITORY
from backpath.execution.docker_engine import DockerEngine
from backpath.execution.engine import RunRequest

PHASES = ("sandbox", "app_start", "checks", "total")


def run(
    assignment: Annotated[str, typer.Argument(help="Which assignment.")] = "articles-rest",
    *,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Turns of each reference.")] = 5,
) -> None:
    """The `bench references` command."""
    found = find_assignment(assignment, graders=REPOSITORY / "graders")
    images = prepare_sandbox()
    engine = DockerEngine.from_settings(owner="bench", **images)
    requests = {
        name: make_request(
            found,
            read_path(found.directory / "reference" / name).tar,
            seed=secrets.randbelow(SEED_LIMIT),
            job_id=f"bench-{name}",
        )
        for name in found.meta.solutions.reference
    }
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in requests}
    try:
        for number in range(1, rounds + 1):
            for name, request in requests.items():
                with progress(f"Round {number} of {rounds}: {name}"):
                    samples[name].append(time_run(engine, request))
    finally:
        engine.close()
    console.print(make_table(samples))


def time_run(engine: DockerEngine, request: RunRequest) -> dict[str, float]:
    """Return the seconds of each phase of one run. Raises CommandFailed when it breaks."""
    outcome = engine.run(request, on_event=lambda _event: None, should_stop=lambda: False)
    if outcome.status != "completed":
        raise CommandFailed(f"A run ended as {outcome.status}.", outcome.detail[:2000])
    return {phase: outcome.timings[phase] for phase in PHASES}


def make_table(samples: dict[str, list[dict[str, float]]]) -> Table:
    """Return medians with the range of the runs in brackets, in milliseconds."""
    table = Table(title="Cold pair, milliseconds: median (lowest to highest)")
    table.add_column("reference")
    for phase in PHASES:
        table.add_column(phase.replace("_", " "), justify="right")
    table.add_column("not checks / total", justify="right")
    for name, runs in samples.items():
        cells = []
        for phase in PHASES:
            values = sorted(run[phase] * 1000 for run in runs)
            middle = statistics.median(values)
            cells.append(f"{middle:.0f} ({values[0]:.0f} to {values[-1]:.0f})")
        shares = sorted(1 - run["checks"] / run["total"] for run in runs)
        middle = statistics.median(shares)
        cells.append(f"{middle:.2f} ({shares[0]:.2f} to {shares[-1]:.2f})")
        table.add_row(name, *cells)
    return table
