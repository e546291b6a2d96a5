"""What every side of the comparison is, and the three that are not ours: (a), (b) and (c)."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.benchmarks.cold_container import ColdContainer, passed_tests, time_run
from tests.benchmarks.interpreters import Interpreter
from tests.benchmarks.suite import CHECKS, FOLDER, write_project
from tests.servers import free_port

START_SECONDS = 30.0
LOOK_SECONDS = 0.005
RUN_SECONDS = 120.0


class SampleFailed(Exception):
    """A run did not give ten passed checks, so its time means nothing."""


@dataclass(frozen=True)
class Sample:
    """One run: `seconds` until whoever waits has the result, `after` for tidying up behind it."""

    seconds: float
    after: float = 0.0
    origin: str = ""
    """For runs of ours: whether they were "warm" or "cold"."""


class Side(Protocol):
    """One way to run the ten checks. `key` is the letter of the side."""

    key: str
    title: str
    legend: str
    """What it is, in a few words more."""
    buffer: int
    """How many runs may have been prepared beforehand, and so say nothing of saturation."""

    def open(self, at_once: int) -> None:
        """Get ready for so many runs at once; may be called again."""
        ...

    def ready(self) -> None:
        """Wait until everything is prepared that is prepared beforehand. Never counted."""
        ...

    def run(self, slot: int) -> Sample:
        """Run once in one of the slots, counted from 0. Raises SampleFailed."""
        ...

    def look_back(self, sample: Sample) -> Sample:
        """Return the last sample with what costs time to find out. Never counted."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


class BareServer:
    """(a): uvicorn as a subprocess, then `python -m pytest` over HTTP, as a developer does."""

    key = "a"
    title = "bare, over HTTP"
    legend = "uvicorn as a subprocess, then `python -m pytest` with httpx"
    buffer = 0

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._projects: list[Path] = []

    def open(self, at_once: int) -> None:
        _make_projects(self._projects, self._interpreter.workspace, "bare", at_once)

    def ready(self) -> None:
        """Nothing is kept ready."""

    def run(self, slot: int) -> Sample:
        project, port = self._projects[slot], free_port()
        interpreter, environment = self._interpreter, self._interpreter.environment()
        serve = ["-m", "uvicorn", "main:app", "--port", str(port), "--no-access-log",
                 "--log-level", "warning"]  # fmt: skip
        started = time.perf_counter()
        server = subprocess.Popen(
            interpreter.command(project, serve), cwd=project, env=environment,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for_health(port, server)
            _run_pytest(
                interpreter, project, environment | {"BASE_URL": f"http://127.0.0.1:{port}"}
            )
            decided = time.perf_counter()
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        return Sample(decided - started, time.perf_counter() - decided)

    def look_back(self, sample: Sample) -> Sample:
        return sample

    def close(self) -> None:
        _remove(self._projects)


class BareInProcess:
    """(b): the same checks with the framework's test client, in one process."""

    key = "b"
    title = "bare, in-process"
    legend = "`python -m pytest` with FastAPI's TestClient"
    buffer = 0

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._projects: list[Path] = []

    def open(self, at_once: int) -> None:
        _make_projects(self._projects, self._interpreter.workspace, "inprocess", at_once)

    def ready(self) -> None:
        """Nothing is kept ready."""

    def run(self, slot: int) -> Sample:
        started = time.perf_counter()
        _run_pytest(self._interpreter, self._projects[slot], self._interpreter.environment())
        return Sample(time.perf_counter() - started)

    def look_back(self, sample: Sample) -> Sample:
        return sample

    def close(self) -> None:
        _remove(self._projects)


class ColdInProcess:
    """(c): what most graders do, a cold hardened container with the tests in it."""

    key = "c"
    title = "cold container"
    legend = "a hardened container a job, the tests of (b) in it"
    buffer = 0

    def __init__(self, *, image: str, runtime: str) -> None:
        self._container = ColdContainer(image=image, runtime=runtime)
        self._files = tar_of(FOLDER / "app" / "main.py", FOLDER / "inprocess" / "test_checks.py")

    def open(self, at_once: int) -> None:
        """Nothing is kept from run to run."""

    def ready(self) -> None:
        """Nothing is kept ready."""

    def run(self, slot: int) -> Sample:
        try:
            return Sample(*time_run(self._container, self._files, expected=CHECKS))
        except RuntimeError as error:
            raise SampleFailed(str(error)) from error

    def look_back(self, sample: Sample) -> Sample:
        return sample

    def close(self) -> None:
        self._container.close()


def tar_of(*files: Path) -> bytes:
    """Pack files side by side."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for file in files:
            member = tarfile.TarInfo(file.name)
            member.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(member, content)
    return target.getvalue()


def _make_projects(projects: list[Path], workspace: Path, suite: str, count: int) -> None:
    while len(projects) < count:
        projects.append(write_project(workspace / f"{suite}-{len(projects)}", suite))


def _remove(projects: list[Path]) -> None:
    while projects:
        shutil.rmtree(projects.pop(), ignore_errors=True)


def _wait_for_health(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SampleFailed(f"the app ended with exit code {server.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with (
            contextlib.closing(connection),
            contextlib.suppress(OSError, http.client.HTTPException),
        ):
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(LOOK_SECONDS)
    raise SampleFailed(f"the app did not answer in {START_SECONDS:.0f} s")


def _run_pytest(interpreter: Interpreter, project: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        interpreter.command(project, ["-m", "pytest", "-q"]), cwd=project, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != os.EX_OK or passed_tests(done.stdout) != CHECKS:
        raise SampleFailed(
            f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-500:]}"
        )
