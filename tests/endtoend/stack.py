"""The whole site in processes of its own: web server, worker, sweeper, real servers below."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.servers import dies_with_us, free_port, stop, wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPTED_ENGINE: Final = "tests.grading.fakes.ScriptedEngine"
START_SECONDS: Final = 60
# What the environment may pass on: enough to find programs, nothing that configures the site.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "DOCKER_HOST", "TMPDIR")

Process = subprocess.Popen[bytes]


@dataclass
class Stack:
    """One installation. All processes get `environment`, the web server `web_environment` too."""

    folder: Path
    environment: dict[str, str]
    port: int
    web_environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_web(self) -> None:
        self.start(
            "web", "-m", "uvicorn", "backpath.config.asgi:application", "--host", "127.0.0.1",
            "--port", str(self.port), "--timeout-graceful-shutdown", "2",
        )  # fmt: skip
        wait_until(self._is_ready, seconds=START_SECONDS, what="the web server's start")

    def start_sweeper(self) -> None:
        self.start("sweeper", "platform/manage.py", "run_sweeper")

    def start_worker(
        self, *, module: str = "celery", name: str = "worker", arguments: tuple[str, ...] = ()
    ) -> Process:
        """Start a worker with one process for jobs. `module` may stand in for Celery's own."""
        return self.start(
            name, "-m", module, *arguments, "--app", "backpath.config", "worker",
            "--queues", "exercises,projects", "--concurrency", "1", "--loglevel", "INFO",
            "--hostname", f"{name}@test", "--without-gossip", "--without-mingle",
        )  # fmt: skip

    def start(self, name: str, *arguments: str) -> Process:
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [*dies_with_us(), sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment | (self.web_environment if name == "web" else {}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.processes[name] = process
        return process

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name, None)
        if process is not None:
            stop(process, number)

    def kill_group(self, name: str) -> None:
        """SIGKILL a program together with everything it started."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        for name, process in list(self.processes.items()):
            self.stop(name)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def run(self, *arguments: str) -> str:
        """Run a Python program to its end and return its output."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def control(self, command: str, **options: Any) -> Any:
        """Run a command of `tests.endtoend.control` on the site's database."""
        process = self.processes["control"]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([command, options]).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, self.logs()
        return json.loads(answer)

    def start_control(self) -> None:
        with (self.folder / "control.log").open("ab") as log:
            self.processes["control"] = subprocess.Popen(
                [*dies_with_us(), sys.executable, "-m", "tests.endtoend.control"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def logs(self) -> str:
        """What every program said, for a failing test to show."""
        return "\n".join(
            f"=== {path.name}\n{path.read_text(errors='replace')[-6_000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def _is_ready(self) -> bool:
        assert self.processes["web"].poll() is None, self.logs()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def make_environment(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of a site in `folder`, with short patience; `changes` win."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return (
        passed_on
        | {
            "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "backpath.config.settings",
            "BACKPATH_DATA_DIR": str(folder / "data"),
            "BACKPATH_STATIC_MANIFEST": "0",
            "BACKPATH_ENGINE": SCRIPTED_ENGINE,
            "BACKPATH_LEASE_SECONDS": "3",
            "BACKPATH_SWEEP_SECONDS": "0.5",
            "BACKPATH_REQUEUE_SECONDS": "3",
            "BACKPATH_RETRY_SECONDS": "0.2",
            "BACKPATH_HEARTBEAT_SECONDS": "1",
            # Some tests take more workers from one job than bad luck ever would.
            "BACKPATH_MAX_JOBS_PER_SUBMISSION": "20",
        }
        | changes
    )


@contextmanager
def running_stack(
    folder: Path, *, web_environment: dict[str, str] | None = None, **changes: str
) -> Iterator[Stack]:
    """A migrated site with web server and sweeper; a test starts the workers it needs."""
    stack = Stack(
        folder=folder,
        environment=make_environment(folder, **changes),
        port=free_port(),
        web_environment=web_environment or {},
    )
    try:
        stack.run("platform/manage.py", "migrate", "--verbosity", "0")
        stack.start_control()
        stack.start_web()
        stack.start_sweeper()
        yield stack
    finally:
        stack.stop_all()


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str, stack: Stack) -> None:
    """As `wait_until`, and shows the logs when it takes too long."""
    try:
        wait_until(condition, seconds=seconds, what=what)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{stack.logs()}") from error
