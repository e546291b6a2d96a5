"""The whole site in processes of its own: web, worker, content, and an account to use it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STAGED_ENGINE = "tests.browser.staged_engine.StagedEngine"
DOCKER_ENGINE = "backpath.execution.docker_engine.DockerEngine"


@dataclass(frozen=True)
class RunningSite:
    """`url` without a slash at its end. `learner` and `password` can sign in; staff too."""

    url: str
    data: Path
    environment: Mapping[str, str]
    learner: str = "mara"
    password: str = "tall-kettle-quiet-9"

    def manage(self, *arguments: str, **extra: str) -> str:
        """Run a management command and return what it printed."""
        done = subprocess.run(
            [sys.executable, "platform/manage.py", *arguments],
            cwd=REPOSITORY,
            env={**self.environment, **extra},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextlib.contextmanager
def running_site(data: Path, *, engine: str = STAGED_ENGINE) -> Iterator[RunningSite]:
    """Start web and one worker, with the staged engine unless told otherwise; stop both.

    `data` is an empty folder for database, files, broker and collected static files.
    """
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(data),
        "PYTHONPATH": f"{REPOSITORY / 'platform'}{os.pathsep}{REPOSITORY}",
        "PYTHONWARNINGS": "default",
        "DJANGO_SETTINGS_MODULE": "backpath.config.settings",
        "BACKPATH_DATA_DIR": str(data),
        "STATIC_ROOT": str(data / "static"),
        "BACKPATH_ENGINE": engine,
        "BACKPATH_RETRY_SECONDS": "0",
        "BACKPATH_MAX_JOBS_PER_SUBMISSION": "2",
    }
    site = RunningSite(f"http://127.0.0.1:{port}", data, environment)
    site.manage("migrate", "--verbosity=0")
    site.manage("collectstatic", "--noinput", "--verbosity=0")
    site.manage("sync_content")
    _make_account(site)
    with contextlib.ExitStack() as running:
        web = ["-m", "uvicorn", "backpath.config.asgi:application", "--lifespan", "off"]
        running.enter_context(_process(site, "web", *web, "--port", str(port)))
        worker = ["-m", "celery", "-A", "backpath.config", "worker", "-Q", "exercises,projects"]
        running.enter_context(_process(site, "worker", *worker, "-P", "solo", "-l", "WARNING"))
        _wait_for(f"{site.url}/healthz", data / "web.log")
        yield site


def _make_account(site: RunningSite) -> None:
    script = (
        "from backpath.accounts.models import User; "
        f"User.objects.create_user({site.learner!r}, 'mara@example.org', {site.password!r}); "
        f"User.objects.create_superuser('chef', 'chef@example.org', {site.password!r})"
    )
    site.manage("shell", "--no-imports", "-c", script)


@contextlib.contextmanager
def _process(site: RunningSite, name: str, *arguments: str) -> Iterator[None]:
    with (site.data / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=dict(site.environment),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"The site did not start:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
