"""Throw-away servers on loopback: PostgreSQL and Redis, each with data of its own.

Run as a program, this starts a PostgreSQL server for one command and stops it afterwards:
`python -m tests.servers pytest tests/grading`.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

START_SECONDS: Final = 30
STOP_SECONDS: Final = 15


class ServerMissing(Exception):
    """The server's program is not installed; the message says how to get it."""


def dies_with_us(number: int = signal.SIGKILL) -> list[str]:
    """What to put before a command so that it gets a signal when this process is killed.

    Where the system has no such thing, what an interrupted test run leaves stays.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, f"--pdeathsig={signal.Signals(number).name[3:]}"] if setpriv else []


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(is_true: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until `is_true`; raises TimeoutError naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds} s")
        time.sleep(0.05)


def postgres_programs() -> Path:
    """The folder of the newest installed PostgreSQL server's programs."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if not found:
        raise ServerMissing("No PostgreSQL server is installed: apt-get install postgresql")
    return found[-1].parent


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL cluster in a folder of its own; yields a URL with CREATEDB rights.

    The server refuses to run as root, so root runs it as the user `postgres`.
    """
    programs = postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="backpath-postgres-"))
    is_root = os.geteuid() == 0
    user = "postgres" if is_root else getpass.getuser()
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if is_root else []
    if is_root:
        shutil.chown(folder, user, user)
    data, port = folder / "data", free_port()
    # Durability of tests' data is not wanted; waiting for the disk is.
    options = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    subprocess.run(
        [*as_user, programs / "initdb", "-D", data, "-U", "backpath", "-A", "trust", "-E", "UTF8",
         "--no-sync", "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [*as_user, *dies_with_us(signal.SIGINT), programs / "postgres", "-D", data,
         "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", *options.split()],
        stdout=log, stderr=log, cwd=folder, start_new_session=True,
    )  # fmt: skip
    is_ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    try:
        wait_until(
            lambda: subprocess.run(is_ready, check=False).returncode == 0,
            seconds=START_SECONDS,
            what="PostgreSQL's start",
        )
        yield f"postgres://backpath@127.0.0.1:{port}/postgres"
    finally:
        # SIGINT is PostgreSQL's fast shutdown.
        stop(server, signal.SIGINT)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis_server(port: int | None = None) -> Iterator[str]:
    """A Redis server that keeps nothing on disk; yields its URL. `port` defaults to a free one."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServerMissing("No Redis server is installed: apt-get install redis-server")
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="backpath-redis-") as folder:
        server = subprocess.Popen(
            [*dies_with_us(), program, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until(lambda: _answers(port), seconds=START_SECONDS, what="Redis's start")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            stop(server, signal.SIGTERM)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """End a process that was started here, by force if it does not go."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    with postgres_server() as url:
        environment = os.environ | {"BACKPATH_TEST_DATABASE_URL": url}
        sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)
