"""`./dev bench sandbox`: the same ten checks bare, in a cold container, and in our pair.

One run, interleaved: every round runs each side once, in a new order, so that a mood of the
machine hits all alike. What counts are medians with quartiles and the ratios within a round.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from backpath.cli.console import CommandFailed, console, note, progress
from tests.benchmarks import interpreters, tables
from tests.benchmarks.containers import PairMemory
from tests.benchmarks.images import prepare_images
from tests.benchmarks.interpreters import Interpreter
from tests.benchmarks.ours import EnginePair, WholeWay
from tests.benchmarks.rounds import run_batches, run_rounds
from tests.benchmarks.sides import BareInProcess, BareServer, ColdInProcess, Side
from tests.benchmarks.suite import make_job
from tests.benchmarks.terminal import letters_of, numbers_of, start

SIDES = "abcdef"


def run(
    *,
    rounds: Annotated[int, typer.Option(min=0, max=1000, help="Runs of each side.")] = 20,
    sides: Annotated[str, typer.Option(help="Letters of the sides, such as a,b,e.")] = (
        ",".join(SIDES)
    ),
    concurrency: Annotated[
        str, typer.Option(help="How many at a time for jobs a minute; “none” leaves it out.")
    ] = "1,2,4",
    jobs: Annotated[int, typer.Option(min=1, max=10_000, help="Jobs counted in a batch.")] = 20,
    batches: Annotated[int, typer.Option(min=1, max=100, help="Batches of each.")] = 3,
    pool: Annotated[int, typer.Option(min=1, max=32, help="Warm app containers.")] = 2,
    interpreter: Annotated[
        Literal["host", "image"],
        typer.Option(help="The Python of (a) and (b): this machine's, or the image's (root)."),
    ] = "host",
    hosts: Annotated[
        Literal["one", "many"],
        typer.Option(help="(f) on SQLite and a folder, or on PostgreSQL and Redis."),
    ] = "one",
    runtime: Annotated[str, typer.Option(help="The container runtime.")] = "runc",
    patience: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds to wait for a calm machine; 0: never.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the sides.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every sample to this file.")
    ] = None,
) -> None:
    """Compare the sandbox with bare pytest and with what most graders do."""
    wanted = letters_of(sides, option="--sides", known=SIDES)
    at_a_time = numbers_of(concurrency, option="--concurrency")
    if not rounds and not at_a_time:
        raise typer.BadParameter("With --rounds 0 and --concurrency none nothing is measured.")
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"There is no folder for {json_file}.")
    images = prepare_images()
    order = random.Random(seed)
    with contextlib.ExitStack() as cleaning:
        bare = cleaning.enter_context(
            bare_interpreter(interpreter, images["app_image"], needed=bool({"a", "b"} & {*wanted}))
        )
        opened = [
            _open(cleaning, make_side(letter, bare, images, runtime, pool, is_many=hosts == "many"))
            for letter in sorted(wanted)
        ]
        result = tables.Result.of(opened)
        result.about = _machine() | {
            "rounds": rounds, "jobs": jobs, "batches": batches, "pool": pool, "seed": seed,
            "interpreter": interpreter, "hosts": hosts, "runtime": runtime, "images": images,
        }  # fmt: skip
        if bare is not None:
            result.builds["the bare runs"] = interpreters.describe(bare)
        result.builds["the sandbox"] = interpreters.describe_image(images["app_image"])
        with progress("Measuring") as step:
            for side in opened:
                step.detail = f"preparing ({side.key})"
                side.open(1)

            def say(text: str) -> None:
                step.detail = text

            if rounds:
                result.latencies = run_rounds(
                    opened, rounds=rounds, patience=patience, order=order, say=say
                )
            result.memory = _memory(opened)
            result.rates = run_batches(
                opened, at_a_time=at_a_time, rounds=batches, jobs=jobs, patience=patience,
                order=order, say=say,
            )  # fmt: skip
    show(result)
    if json_file is not None:
        json_file.write_text(json.dumps(tables.as_document(result), indent=1) + "\n")
        note(f"Every sample is in {json_file}.")


@contextlib.contextmanager
def bare_interpreter(
    choice: Literal["host", "image"], image: str, *, needed: bool
) -> Iterator[Interpreter | None]:
    """The Python of the bare sides, with a folder for their projects."""
    if not needed:
        yield None
        return
    if choice == "image":
        inside = interpreters.image_interpreter(image)
        try:
            yield inside
        finally:
            shutil.rmtree(inside.root, ignore_errors=True)
        return
    with tempfile.TemporaryDirectory(prefix="backpath-bench-bare-") as folder:
        yield interpreters.host_interpreter(Path(folder))


def make_side(
    letter: str,
    bare: Interpreter | None,
    images: dict[str, str],
    runtime: str,
    pool: int,
    *,
    is_many: bool,
) -> Side:
    """Return the side of that letter."""
    if letter in "ab":
        if bare is None:
            raise CommandFailed("The bare sides have no interpreter.")
        return BareServer(bare) if letter == "a" else BareInProcess(bare)
    if letter == "c":
        return ColdInProcess(image=images["app_image"], runtime=runtime)
    if letter in "de":
        warm = pool if letter == "e" else 0
        return EnginePair(make_job(), images=images, runtime=runtime, pool=warm)
    return WholeWay(images=images, is_many_hosts=is_many, pool=pool, runtime=runtime)


def show(result: tables.Result) -> None:
    """Print the tables with what one has to know about them."""
    console.print()
    if result.latencies.samples:
        console.print(tables.latency_table(result))
    if result.rates:
        console.print(tables.rate_table(result))
    for sentence in tables.remarks(result):
        console.print(f"  {sentence}.", markup=False)


def _open(cleaning: contextlib.ExitStack, side: Side) -> Side:
    cleaning.callback(side.close)
    return side


def _memory(sides: list[Side]) -> PairMemory | None:
    for side in sides:
        if isinstance(side, EnginePair) and side.key == "e":
            side.ready()
            return side.memory()
    return None


def _machine() -> dict[str, object]:
    return {
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    start(run, name="./dev bench sandbox")
