"""The ``up`` command: everything one machine needs, from an empty folder to a served site."""

import fcntl
import http
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from backpath.cli import docker_api
from backpath.cli.console import CommandFailed, console, note, warn
from backpath.cli.images import prepare_sandbox
from backpath.cli.paths import PLATFORM, data_directory
from backpath.cli.preflight import (
    free_bytes,
    require_data_directory,
    require_free_port,
    require_free_space,
)
from backpath.cli.processes import Program, Supervisor

ANSWER_SECONDS = 60.0
ENGINE_LOOK_SECONDS = 10.0
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not bound to


def run(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 8000,
) -> None:
    """Prepare what is missing, then run web, worker and sweeper until Ctrl-C."""
    data = data_directory()
    require_data_directory(data)
    with only_one(data):
        require_free_port(host, port)
        require_free_space(data, free_bytes(data))
        environment = site_environment(host) | prepare_grading()
        prepare_site(environment)
        serve(host, port, environment)


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data directory for this process. Raises CommandFailed when another has it."""
    with (data / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise CommandFailed(
                f"Backpath is already running on {data} (process {holder}).",
                "Use the one that runs, stop it with Ctrl-C in its terminal "
                f"(or kill {holder}), or set BACKPATH_DATA_DIR to another folder.",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
        lock.truncate(0)


def prepare_grading() -> dict[str, str]:
    """Docker and the grading images, as the settings that name them.

    Empty, with the reason said, when they cannot be had.
    """
    try:
        images = prepare_sandbox()
    except CommandFailed as failure:
        for line in failure.said.splitlines():
            note(line)
        warn(
            f"Nothing can be graded now: {failure.problem}",
            f"{failure.remedy} The site runs; submissions wait in the queue until then.".strip(),
        )
        return {}
    return {
        "BACKPATH_APP_IMAGE": images["app_image"],
        "BACKPATH_RUNNER_IMAGE": images["runner_image"],
        "BACKPATH_APP_SERVICES_IMAGE": images["app_services_image"],
    }


def grading_is_possible(environment: Mapping[str, str]) -> bool:
    """Whether an engine answers and holds both grading images."""
    names = (
        environment.get("BACKPATH_APP_IMAGE", "backpath/sandbox-app:latest"),
        environment.get("BACKPATH_RUNNER_IMAGE", "backpath/sandbox-runner:latest"),
    )
    try:
        client = docker_api.connect(timeout_seconds=2)
    except docker_api.ENGINE_ERRORS:
        return False
    try:
        return all(docker_api.is_present(client, name) for name in names)
    except docker_api.ENGINE_ERRORS:
        return False
    finally:
        client.close()


def site_environment(host: str) -> dict[str, str]:
    """The environment of the site's processes.

    A site that listens beyond this machine has to accept the names it is reached
    by; an explicit ``ALLOWED_HOSTS`` is left alone.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(PLATFORM)
    environment["PYTHONUNBUFFERED"] = "1"
    environment.setdefault("DJANGO_SETTINGS_MODULE", "backpath.config.settings")
    if host not in LOOPBACK and "ALLOWED_HOSTS" not in environment:
        names = ["localhost", "127.0.0.1", "[::1]", *reachable_names(host)]
        environment["ALLOWED_HOSTS"] = ",".join(dict.fromkeys(names))
    return environment


def reachable_names(host: str) -> list[str]:
    """Names and addresses under which others reach a site that listens on ``host``."""
    if host not in EVERY_ADDRESS:
        return [f"[{host}]" if ":" in host else host]
    names = [socket.gethostname(), socket.getfqdn()]
    # Choosing a route sends nothing; it tells which address this machine would use.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            names.append(probe.getsockname()[0])
        except OSError:
            pass
    return names


def prepare_site(environment: dict[str, str]) -> None:
    """Database, content, administrator and static files, in a process of its own.

    Ends the command when that process said why it cannot go on.
    """
    command = [sys.executable, "-P", "-m", "backpath.cli.site_setup"]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise typer.Exit(1)


def programs(host: str, port: int, environment: Mapping[str, str]) -> list[Program]:
    """Web, worker and sweeper. The worker waits while nothing can be graded."""
    python = sys.executable
    concurrency = environment.get("BACKPATH_WORKER_CONCURRENCY", str(min(os.cpu_count() or 1, 2)))
    return [
        Program(
            "web",
            [python, "-m", "uvicorn", "backpath.config.asgi:application", "--host", host,
             "--port", str(port), "--lifespan", "off", "--no-server-header", "--no-use-colors",
             "--timeout-graceful-shutdown", "5"],
            "cyan",
        ),
        Program(
            "worker",
            # Whoever may use the Docker socket is as good as root anyway, and the
            # worker neither unpickles messages nor runs a learner's code.
            [python, "-W", "ignore:You're running the worker with superuser", "-m", "celery",
             "--quiet", "--app", "backpath.config", "worker",
             "--queues", "exercises,projects", "--concurrency", concurrency,
             "--loglevel", "INFO", "--without-gossip", "--without-mingle"],
            "green",
            may_start=_AskedRarely(lambda: grading_is_possible(environment)),
        ),
        Program("sweeper", [python, str(PLATFORM / "manage.py"), "run_sweeper"], "magenta"),
    ]  # fmt: skip


class _AskedRarely:
    """A question that is put again only after some seconds, its last answer kept until then."""

    def __init__(self, question: Callable[[], bool]) -> None:
        self._question = question
        self._asked_at = float("-inf")
        self._answer = False

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._asked_at >= ENGINE_LOOK_SECONDS:
            self._asked_at = now
            self._answer = self._question()
        return self._answer


def serve(host: str, port: int, environment: dict[str, str]) -> None:
    """Run the site's programs until a stop signal, and announce when it answers."""
    supervisor = Supervisor(programs(host, port, environment), console, environment)
    supervisor.run(on_tick=_Announcement(host, port, environment.get("ALLOWED_HOSTS", "")))
    console.print("  Backpath has stopped.")


def name_to_ask_by(allowed_hosts: str) -> str:
    """A host name that the site accepts, out of its ``ALLOWED_HOSTS``."""
    names = [name.strip().lstrip(".") for name in allowed_hosts.split(",")]
    return next((name for name in names if name and name != "*"), "localhost")


class _Announcement:
    """Says once that the site answers, or that it does not."""

    def __init__(self, host: str, port: int, allowed_hosts: str) -> None:
        self._host, self._port = host, port
        self._name = name_to_ask_by(allowed_hosts)
        self._began = self._looked_at = time.monotonic()
        self._is_done = False

    def __call__(self) -> None:
        now = time.monotonic()
        if self._is_done or now - self._looked_at < 0.3:
            return
        self._looked_at = now
        reached_by = "127.0.0.1" if self._host in EVERY_ADDRESS else self._host
        if answers(reached_by, self._port, name=self._name):
            self._is_done = True
            self._announce()
        elif now - self._began > ANSWER_SECONDS:
            self._is_done = True
            warn(
                f"The site does not answer after {ANSWER_SECONDS:.0f} seconds.",
                "The lines marked “web” above say why.",
            )

    def _announce(self) -> None:
        shown = [self._host]
        if self._host in EVERY_ADDRESS:
            shown = ["127.0.0.1", *reachable_names(self._host)[2:]]
        urls = [f"http://{f'[{name}]' if ':' in name else name}:{self._port}/" for name in shown]
        console.print()
        console.print(f"  [bold green]Backpath is running:[/bold green] {escape(urls[0])}")
        for url in urls[1:]:
            console.print(f"  From other machines:  {escape(url)}")
        console.print(f"  For administrators:   {escape(urls[0])}admin/")
        console.print("  Ctrl-C stops it.")
        console.print()


def answers(host: str, port: int, *, name: str) -> bool:
    """Whether the site says, asked by ``name``, that it is healthy."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": name})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
