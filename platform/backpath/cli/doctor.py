"""The ``doctor`` command: what is here, what is missing, and what to do about it.

It changes nothing.
"""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from backpath.cli import images, lock
from backpath.cli.console import CommandFailed, console
from backpath.cli.docker_api import ENGINE_ERRORS, DockerClient
from backpath.cli.docker_engine_setup import EngineState, find_engine
from backpath.cli.paths import REPOSITORY, data_directory
from backpath.cli.preflight import (
    MINIMUM_FREE_BYTES,
    free_bytes,
    require_data_directory,
    require_free_port,
)
from backpath.cli.testing_tools import missing_tools

OLDEST_ENGINE_API = (1, 40)
CONNECT_SECONDS = 2.0


class Verdict(Enum):
    """How a finding counts: ``MISSING`` alone makes the command fail."""

    FINE = ("✓", "green")
    NOTICE = ("!", "yellow")
    MISSING = ("✗", "red")


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, what was found, and the remedy if there is one."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


def run() -> None:
    """Print one row for each thing the platform needs; exit 1 if it cannot run or grade."""
    findings = list(examine())
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("")
    table.add_column("Needed", no_wrap=True)
    table.add_column("Found", overflow="fold")
    table.add_column("What to do", overflow="fold")
    for finding in findings:
        mark, colour = finding.verdict.value
        table.add_row(
            Text(mark, colour), Text(finding.subject), Text(finding.found), Text(finding.remedy)
        )
    console.print(table)
    missing = [finding for finding in findings if finding.verdict is Verdict.MISSING]
    if missing:
        names = ", ".join(finding.subject for finding in missing)
        console.print(f"\nNot ready yet: {names}.", markup=False)
        raise typer.Exit(1)
    console.print("\nEverything that ./dev up needs is here.")


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    for look in (_python, _locks, _data, _disk, _port, _docker, _servers, _for_tests):
        yield from look()


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("Python", Verdict.FINE, f"{version} in {Path(sys.prefix).name}")


def _locks() -> Iterator[Finding]:
    problems = lock.check()
    if problems:
        yield Finding("Locks", Verdict.NOTICE, " ".join(problems), "Run ./dev lock.")
    else:
        yield Finding("Locks", Verdict.FINE, "up to date with pyproject.toml")


def _data() -> Iterator[Finding]:
    folder = data_directory()
    if not folder.exists():
        yield Finding("Data directory", Verdict.FINE, f"{folder} (made by ./dev up)")
        return
    yield _asked("Data directory", lambda: require_data_directory(folder), str(folder))


def _disk() -> Iterator[Finding]:
    free = free_bytes(data_directory())
    found = f"{free / 10**9:.0f} GB free"
    if free < MINIMUM_FREE_BYTES:
        yield Finding("Disk space", Verdict.MISSING, found, "Free at least 3 GB.")
    else:
        yield Finding("Disk space", Verdict.FINE, found)


def _port() -> Iterator[Finding]:
    finding = _asked("Port 8000", lambda: require_free_port("127.0.0.1", 8000), "free")
    if finding.verdict is Verdict.MISSING:
        # Another port does as well, and it may be Backpath itself that has it.
        finding = Finding(finding.subject, Verdict.NOTICE, finding.found, finding.remedy)
    yield finding


def _asked(subject: str, require: Callable[[], None], fine: str) -> Finding:
    try:
        require()
    except CommandFailed as failure:
        return Finding(subject, Verdict.MISSING, failure.problem, failure.remedy)
    return Finding(subject, Verdict.FINE, fine)


# --- Docker ---------------------------------------------------------------------------


def _docker() -> Iterator[Finding]:
    engine = find_engine()
    if engine.client is None:
        can_be_mended = engine.state in {EngineState.ABSENT, EngineState.STOPPED}
        remedy = engine.remedy
        if can_be_mended and (os.geteuid() == 0 or shutil.which("sudo")):
            remedy = "./dev up installs and starts it."
        yield Finding("Docker Engine", Verdict.MISSING, engine.problem, remedy)
        yield Finding("Grading images", Verdict.MISSING, "not known without Docker", "./dev up")
        return
    try:
        yield from _engine(engine.client.info(), engine.client.version())
        yield _images(engine.client)
    except ENGINE_ERRORS as error:
        yield Finding("Docker Engine", Verdict.MISSING, f"stopped answering: {error}")
    finally:
        engine.client.close()


def _engine(info: dict[str, Any], version: dict[str, Any]) -> Iterator[Finding]:
    api = tuple(int(part) for part in str(version["ApiVersion"]).split("."))
    found = f"{version['Version']} (API {version['ApiVersion']})"
    if api < OLDEST_ENGINE_API:
        yield Finding("Docker Engine", Verdict.MISSING, found, "Update Docker to 19.03 or newer.")
        return
    yield Finding("Docker Engine", Verdict.FINE, found)
    limits = {"memory": "MemoryLimit", "pids": "PidsLimit", "CPU": "CpuCfsQuota"}
    absent = [name for name, key in limits.items() if not info.get(key)]
    if absent:
        yield Finding(
            "Sandbox limits",
            Verdict.MISSING,
            f"the kernel does not limit {', '.join(absent)}",
            "Enable these cgroup controllers; without them a submission could starve this host.",
        )
    elif not info.get("SwapLimit"):
        yield Finding(
            "Sandbox limits",
            Verdict.NOTICE,
            "memory, pids, CPU; swap is not counted",
            "Boot with swapaccount=1, or without swap.",
        )
    else:
        yield Finding("Sandbox limits", Verdict.FINE, "memory, swap, pids, CPU")


def _images(client: DockerClient) -> Finding:
    missing = images.outdated(client)
    if missing:
        names = ", ".join(name.partition(":")[0] for name in missing)
        found = f"not built yet, or older than this checkout: {names}"
        return Finding(
            "Grading images", Verdict.MISSING, found, "./dev images (or up) builds them."
        )
    return Finding("Grading images", Verdict.FINE, "built from this checkout")


# --- servers and tests ----------------------------------------------------------------


def _servers() -> Iterator[Finding]:
    for subject, variable, port in (
        ("Database", "DATABASE_URL", 5432),
        ("Broker", "REDIS_URL", 6379),
    ):
        url = os.environ.get(variable, "")
        if "://" not in url or url.startswith("sqlite"):
            own = "SQLite" if variable == "DATABASE_URL" else "a folder"
            yield Finding(subject, Verdict.FINE, f"{own} in the data directory")
            continue
        parts = urlsplit(url)
        yield _server(subject, variable, parts.hostname or "127.0.0.1", parts.port or port)


def _server(subject: str, variable: str, host: str, port: int) -> Finding:
    where = f"{host}:{port}"
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return Finding(
            subject, Verdict.MISSING, f"{where} of {variable} does not answer ({error.strerror})",
            f"Start that server, or correct {variable}.",
        )  # fmt: skip
    return Finding(subject, Verdict.FINE, f"{where} answers")


def _for_tests() -> Iterator[Finding]:
    missing = missing_tools()
    if missing:
        names = ", ".join(tool.name for tool in missing)
        yield Finding(
            "For the tests", Verdict.NOTICE, f"not here: {names}", "./dev test gets them."
        )
    else:
        yield Finding("For the tests", Verdict.FINE, "Redis, PostgreSQL, Chromium, Git")
    if not (REPOSITORY / ".git").exists():
        yield Finding("Checkout", Verdict.NOTICE, "not a Git checkout", "Updates need git clone.")
