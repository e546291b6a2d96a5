"""`./dev bench soak`: thousands of jobs in a row, and what they leave behind.

Every hundred jobs it waits until the pool is full and everything finished is gone, and takes a
reading. A container, a descriptor or a file that stays costs the exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from backpath.cli.console import console, note, progress
from tests.benchmarks.containers import Containers
from tests.benchmarks.images import prepare_images
from tests.benchmarks.machine import (
    family_of,
    files_below,
    open_descriptors,
    processes_named,
    resident_mib,
)
from tests.benchmarks.ours import EnginePair, WholeWay
from tests.benchmarks.sides import Side
from tests.benchmarks.suite import make_job
from tests.benchmarks.summaries import summarise
from tests.benchmarks.terminal import start

# Connections of a client library come and go; a leak grows with the jobs.
SPARE_DESCRIPTORS = 12
SPARE_FILES = 4


@dataclass(frozen=True)
class Reading:
    """What there was after `jobs` jobs; None where it may not be looked at.

    `latency_ms` is the median of the jobs since the reading before, None for the first. The worker
    is the process that runs jobs, with its descendants; docker is dockerd and containerd.
    """

    jobs: int
    containers: int
    worker_mib: float | None
    worker_descriptors: int | None
    docker_mib: float | None
    docker_descriptors: int | None
    files: frozenset[str] = frozenset()
    latency_ms: float | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the fields as plain data."""
        return asdict(self) | {"files": sorted(self.files)}


@dataclass(frozen=True)
class Verdict:
    """`leaks` says what stayed, one sentence each; `drift` is last latency by first."""

    leaks: tuple[str, ...]
    drift: float | None


def judge(readings: list[Reading], *, left: int, most_containers: int) -> Verdict:
    """Compare the last reading with the first one after jobs.

    `left` containers were there after the end, where there must be none; while jobs ran there may
    be `most_containers`. The first reading of all, before any job, lacks what is filled once.
    """
    leaks = []
    if left:
        leaks.append(f"{left} containers were left after the end")
    settled = [reading for reading in readings if reading.jobs] or readings
    first, last = settled[0], settled[-1]
    if last.containers > most_containers:
        leaks.append(f"{last.containers} containers at rest, {most_containers} are expected")
    for name, one, other in (
        ("the worker", first.worker_descriptors, last.worker_descriptors),
        ("Docker", first.docker_descriptors, last.docker_descriptors),
    ):
        if one is not None and other is not None and other > one + SPARE_DESCRIPTORS:
            leaks.append(f"open descriptors of {name} grew from {one} to {other}")
    new = sorted(last.files - first.files)
    if len(last.files) > len(first.files) + SPARE_FILES:
        leaks.append(
            f"temporary files grew from {len(first.files)} to {len(last.files)}, such as "
            f"{', '.join(new[:3])}"
        )
    drift = None
    if first.latency_ms and last.latency_ms:
        drift = last.latency_ms / first.latency_ms
    return Verdict(tuple(leaks), drift)


def most_containers(warm: int, at_once: int) -> int:
    """How many containers there may be at rest.

    The warm apps; for each job at a time a runner at work and one that is being wiped after the
    last; and two that were made while those were busy.
    """
    return warm + 2 * at_once + 2


@dataclass
class _Subject:
    """What is soaked, and where to look for what it leaves."""

    side: EnginePair | WholeWay
    owner: str
    worker: int
    scratch: tuple[Path, ...]
    most_containers: int


def run(
    *,
    jobs: Annotated[int, typer.Option(min=1, max=1_000_000, help="Jobs in a row.")] = 2000,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs at a time.")] = 1,
    stack: Annotated[
        bool, typer.Option("--stack", help="Through the whole site, from upload to report.")
    ] = False,
    hosts: Annotated[
        Literal["one", "many"],
        typer.Option(help="The site on SQLite and a folder, or on PostgreSQL and Redis."),
    ] = "one",
    pool: Annotated[int, typer.Option(min=0, max=32, help="Warm app containers.")] = 2,
    every: Annotated[int, typer.Option(min=1, help="Jobs between two readings.")] = 100,
    runtime: Annotated[str, typer.Option(help="The container runtime.")] = "runc",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the readings to this file.")
    ] = None,
) -> None:
    """Grade many jobs in a row; exit 1 when containers, descriptors or files stay."""
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"There is no folder for {json_file}.")
    images = prepare_images()
    with contextlib.ExitStack() as cleaning:
        subject = cleaning.enter_context(
            _site(images, hosts, runtime, pool, concurrency)
            if stack
            else _engine(images, runtime, pool, concurrency)
        )
        watcher = cleaning.enter_context(contextlib.closing(Containers(subject.owner)))
        readings = soak(subject, watcher, jobs=jobs, at_once=concurrency, every=every)
        subject.side.close()
    verdict = judge(readings, left=subject.side.left, most_containers=subject.most_containers)
    console.print(table_of(readings))
    if json_file is not None:
        document = {
            "readings": [one.as_dict() for one in readings],
            "left": subject.side.left,
        } | asdict(verdict)
        json_file.write_text(json.dumps(document, indent=1) + "\n")
        note(f"The readings are in {json_file}.")
    console.print(f"  {sentence_of(verdict, jobs)}", markup=False)
    if verdict.leaks:
        raise typer.Exit(1)


def soak(
    subject: _Subject, watcher: Containers, *, jobs: int, at_once: int, every: int
) -> list[Reading]:
    """Run the jobs; return a reading before the first and after each `every` of them.

    Raises SampleFailed when a job goes wrong.
    """
    subject.side.ready()
    readings = [_read(subject, watcher, jobs=0, latency_ms=None)]
    with progress(f"Grading {jobs} jobs") as step, ThreadPoolExecutor(at_once) as threads:
        done = 0
        while done < jobs:
            count = min(every, jobs - done)
            # A slot runs one job after the other, so that no two share what belongs to it.
            shares = [len(range(slot, count, at_once)) for slot in range(at_once)]
            timed = threads.map(partial(_run_some, subject.side), range(at_once), shares)
            seconds = [one for share in timed for one in share]
            done += count
            subject.side.ready()
            median = summarise(seconds).median * 1000
            readings.append(_read(subject, watcher, jobs=done, latency_ms=median))
            step.detail = f"{done} jobs, {median:.0f} ms"
    return readings


def _run_some(side: Side, slot: int, count: int) -> list[float]:
    return [side.run(slot).seconds for _ in range(count)]


def _read(
    subject: _Subject, watcher: Containers, *, jobs: int, latency_ms: float | None
) -> Reading:
    worker = family_of(subject.worker)
    docker = processes_named("dockerd", "containerd")
    return Reading(
        jobs=jobs,
        containers=len(watcher.names()),
        worker_mib=resident_mib(worker),
        worker_descriptors=open_descriptors(worker),
        docker_mib=resident_mib(docker) if docker else None,
        docker_descriptors=open_descriptors(docker) if docker else None,
        files=files_below(*subject.scratch),
        latency_ms=latency_ms,
    )


@contextlib.contextmanager
def _engine(images: dict[str, str], runtime: str, pool: int, at_once: int) -> Iterator[_Subject]:
    """The engine alone, in this process, with a folder of its own for temporary files."""
    with tempfile.TemporaryDirectory(prefix="backpath-soak-") as folder:
        tempfile.tempdir = folder
        side = EnginePair(make_job(), images=images, runtime=runtime, pool=pool)
        try:
            side.open(at_once)
            yield _Subject(
                side=side,
                owner=side.owner,
                worker=os.getpid(),
                scratch=(Path(folder),),
                most_containers=most_containers(side.buffer, at_once),
            )
        finally:
            side.close()
            tempfile.tempdir = None


@contextlib.contextmanager
def _site(
    images: dict[str, str], hosts: str, runtime: str, pool: int, at_once: int
) -> Iterator[_Subject]:
    """The whole site; its worker has a folder of its own for temporary files."""
    with tempfile.TemporaryDirectory(prefix="backpath-soak-") as folder:
        os.environ["TMPDIR"] = folder
        side = WholeWay(images=images, is_many_hosts=hosts == "many", pool=pool, runtime=runtime)
        try:
            side.open(at_once)
            yield _Subject(
                side=side,
                owner=side.site.owner,
                worker=side.site.worker_pid(),
                scratch=(Path(folder), side.site.broker_folder()),
                most_containers=most_containers(side.buffer, at_once),
            )
        finally:
            side.close()
            del os.environ["TMPDIR"]


def table_of(readings: list[Reading]) -> Table:
    """One row a reading."""
    table = Table(title="Readings at rest")
    for name in ("jobs", "median ms", "containers", "worker MiB", "worker fds", "docker MiB",
                 "docker fds", "files"):  # fmt: skip
        table.add_column(name, justify="right")
    for one in readings:
        table.add_row(
            str(one.jobs),
            *(
                "" if value is None else f"{value:.0f}"
                for value in (one.latency_ms, one.containers, one.worker_mib,
                              one.worker_descriptors, one.docker_mib, one.docker_descriptors,
                              len(one.files))
            ),
        )  # fmt: skip
    return table


def sentence_of(verdict: Verdict, jobs: int) -> str:
    """The last line: whether anything leaked, and whether it got slower."""
    drift = ""
    if verdict.drift is not None:
        drift = f" The last readings' latency is {verdict.drift:.2f} of the first's."
    if verdict.leaks:
        return f"LEAK after {jobs} jobs: {'; '.join(verdict.leaks)}.{drift}"
    return f"No leak in {jobs} jobs.{drift}"


if __name__ == "__main__":
    start(run, name="./dev bench soak")
