"""PostgreSQL and Redis inside the app container, for assignments that ask for them.

    databases = Databases(["postgres", "redis"], processes)
    databases.start()                        warming up: servers on empty data, in the background
    environment = databases.open(fresh=True)      for each group of checks, or after a restart

Between groups every other process of the container is killed, these servers too: learner code
runs under their uid, so only new ones are known to be what they should be. A fresh start thus
means new servers on a new copy of a template, which a background process has made while the
group before was being checked; starting them is what remains. On a restart of the service the
servers start again on the data they had, and recover what they had answered.

They listen on the loopback interface and nowhere else. Their settings lie on the read-only root.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

ROOT = Path("/services")
IMAGE = Path("/opt/backpath")
START_SECONDS = 15.0
POLL_SECONDS = 0.002
LOG_TAIL_BYTES = 2000
STATUS_LINE = 7
MAX_REMAINS = 1000
# A copy has its final name only once it is whole, for its maker may be killed at any moment.
COPY_AHEAD = 'mkdir -m 700 "$2" && cp -R "$1"/. "$2" && mv "$2" "$3"'
COPY_AND_BECOME = 'cp -R "$1"/. "$2" && shift 2 && exec "$@"'

Spawn = Callable[[list[str], Path], int]


class DatabaseFailed(Exception):
    """A server is not there; the text says which, and its last words."""


class Children(Protocol):
    """What starts and reaps the processes of the container."""

    def add(self, pid: int) -> None:
        """Remember how `pid` ends."""

    def is_running(self, pid: int) -> bool:
        """Whether `pid`, which was added, has not ended."""


def spawn(argv: list[str], log: Path) -> int:
    """Start a program in a session of its own, its output in `log`; return its pid.

    Nothing is inherited: neither the agent's streams nor its environment. Raises OSError.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setsid=True,
            # What Python ignores would stay ignored in a program that relies on it.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    finally:
        os.close(output)


class Server(ABC):
    """One kind of server: how it is started on a directory, and how an app finds it."""

    name: str
    environment: Mapping[str, str]
    template: Path | None = None
    """What a fresh directory is a copy of; None where an empty one will do."""
    leftovers: tuple[str, ...] = ()
    """Files of a killed server that would mislead the next one on the same data."""

    @abstractmethod
    def command(self, directory: Path) -> list[str]:
        """Return the program that serves the data in `directory`."""

    @abstractmethod
    def is_ready(self, pid: int, directory: Path) -> bool:
        """Whether the server that runs as `pid` takes connections."""


class Postgres(Server):
    """PostgreSQL with one empty database, `app`, owned by the learner's role of that name.

    The role is no superuser: it creates tables, databases and trusted extensions as one does in
    production, and row-level security applies to it.
    """

    name = "postgres"
    leftovers = ("postmaster.pid",)
    environment = {
        "DATABASE_URL": "postgresql://app:app@127.0.0.1:5432/app",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "app",
        "PGPASSWORD": "app",
        "PGDATABASE": "app",
    }

    def __init__(self, image: Path = IMAGE) -> None:
        self._folder = image / "postgres"
        self.template = self._folder / "template"

    def command(self, directory: Path) -> list[str]:
        folder = self._folder
        return [
            str(folder / "bin" / "postgres"),
            "-D",
            str(directory),
            f"--config_file={folder / 'postgresql.conf'}",
            f"--hba_file={folder / 'pg_hba.conf'}",
        ]

    def is_ready(self, pid: int, directory: Path) -> bool:
        # The server itself says so here; asking by a connection would cost a process each time.
        try:
            lines = (directory / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            return False
        return len(lines) > STATUS_LINE and (lines[0], lines[STATUS_LINE].strip()) == (
            str(pid),
            "ready",
        )


class Redis(Server):
    """An empty Redis."""

    name = "redis"
    environment = {"REDIS_URL": "redis://127.0.0.1:6379/0"}
    _address = ("127.0.0.1", 6379)

    def __init__(self, image: Path = IMAGE) -> None:
        self._settings = image / "redis" / "redis.conf"

    def command(self, directory: Path) -> list[str]:
        return ["/usr/bin/redis-server", str(self._settings), "--dir", str(directory)]

    def is_ready(self, pid: int, directory: Path) -> bool:  # noqa: ARG002 - nobody else is left
        with socket.socket() as probe:
            probe.settimeout(0.1)
            try:
                probe.connect(self._address)
                probe.sendall(b"PING\r\n")
                # While it reads its data again, it answers with an error.
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False


SERVERS: dict[str, Callable[[], Server]] = {"postgres": Postgres, "redis": Redis}


class Databases:
    """The servers that an assignment asks for, each with data of its own for every group.

    `names` are keys of `SERVERS`; others are refused with ValueError. Everything is kept below
    `root`, a file system that the container's memory pays for.
    """

    def __init__(
        self,
        names: Iterable[str],
        children: Children,
        *,
        root: Path = ROOT,
        servers: Mapping[str, Callable[[], Server]] = SERVERS,
        spawn: Spawn = spawn,
    ) -> None:
        wanted = sorted(set(names))
        if unknown := [name for name in wanted if name not in servers]:
            raise ValueError(f"no such service: {', '.join(unknown)}")
        self.names = tuple(wanted)
        self._servers = [servers[name]() for name in wanted]
        self._children = children
        self._root = root
        self._spawn = spawn
        self._pids: dict[str, int] = {}
        self._generation = 0
        self._current: Path | None = None
        self._is_handed_out = False

    def environment(self) -> dict[str, str]:
        """Return where the app finds its databases."""
        return {key: value for one in self._servers for key, value in one.environment.items()}

    def start(self) -> None:
        """Start new servers on new data, without waiting for them.

        No process but the agent may be left. Raises DatabaseFailed.
        """
        if not self._servers:
            return
        self._is_handed_out = False
        with _explained():
            # Learner code may have shut its owner out.
            self._root.chmod(0o700)
            self._current = self._new_folder()
            for server in self._servers:
                self._start_fresh(server, self._current)

    def is_ready(self) -> bool:
        """Whether all servers take connections. Raises DatabaseFailed when one has ended."""
        for server in self._servers:
            pid, directory = self._pids[server.name], self._directory(server)
            if not self._children.is_running(pid):
                raise DatabaseFailed(f"{server.name} has ended. {self._last_words()}".strip())
            if not server.is_ready(pid, directory):
                return False
        return True

    def wait(self) -> None:
        """Return once all servers take connections. Raises DatabaseFailed."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise DatabaseFailed(
                    f"The databases were not ready within {START_SECONDS:.0f} seconds. "
                    f"{self._last_words()}".strip()
                )
            time.sleep(POLL_SECONDS)

    def open(self, *, fresh: bool) -> dict[str, str]:
        """Return the environment of databases that take connections now.

        `fresh` stands for empty ones; without it they hold what they held before everything was
        killed. Servers that nobody was told of yet are fresh and go on: otherwise no process but
        the agent may be left. Raises DatabaseFailed.
        """
        if not self._servers:
            return {}
        if self._current is not None and not fresh:
            self._resume()
            self.wait()
        else:
            self._open_fresh()
            self._prepare_next()
        self._is_handed_out = True
        return self.environment()

    def memory_mb(self) -> int:
        """Return about how many MiB the servers and their files take now."""
        if not self._servers:
            return 0
        files = os.statvfs(self._root)
        total = (files.f_blocks - files.f_bfree) * files.f_frsize
        for pid in self._pids.values():
            with suppress(OSError, ValueError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                total += int(status.partition("RssAnon:")[2].split()[0]) << 10
        return total >> 20

    # Starting --------------------------------------------------------------------------------

    def _open_fresh(self) -> None:
        try:
            if self._is_handed_out or not self._are_running():
                self.start()
            self.wait()
        except DatabaseFailed:
            # What was prepared lay where learner code could spoil it, and what it left may fill
            # the file system: once more, with nothing but the template.
            self._stop()
            for entry in self._root.iterdir():
                shutil.rmtree(entry, ignore_errors=True)
            self.start()
            self.wait()

    def _start_fresh(self, server: Server, folder: Path) -> None:
        directory, command = folder / server.name, server.command(folder / server.name)
        spare = self._spare(server)
        if server.template is not None and spare.is_dir():
            spare.rename(directory)
        else:
            directory.mkdir(mode=0o700)
            if server.template is not None:
                command = _shell(COPY_AND_BECOME, server.template, directory, *command)
        self._run(server, command)

    def _resume(self) -> None:
        with _explained():
            for server in self._servers:
                directory = self._directory(server)
                for name in server.leftovers:
                    (directory / name).unlink(missing_ok=True)
                self._run(server, server.command(directory))

    def _stop(self) -> None:
        for pid in self._pids.values():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and any(
            map(self._children.is_running, self._pids.values())
        ):
            time.sleep(POLL_SECONDS)

    def _run(self, server: Server, command: list[str]) -> None:
        pid = self._spawn(command, self._log)
        self._children.add(pid)
        self._pids[server.name] = pid

    def _are_running(self) -> bool:
        return self._current is not None and all(
            self._children.is_running(pid) for pid in self._pids.values()
        )

    # Files -----------------------------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return (self._current or self._root) / "log"

    def _directory(self, server: Server) -> Path:
        return (self._current or self._root) / server.name

    def _spare(self, server: Server) -> Path:
        return self._root / f"next-{server.name}"

    def _new_folder(self) -> Path:
        """Return a new folder; learner code may have taken any name that it could foresee."""
        while True:
            self._generation += 1
            folder = self._root / str(self._generation)
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                return folder

    def _prepare_next(self) -> None:
        """Remove what earlier groups left and copy the templates, behind everything else."""
        spares = {self._spare(one).name for one in self._servers if one.template is not None}
        kept = spares | {self._current.name if self._current else ""}
        # Without these copies the next fresh start makes its own.
        with suppress(OSError):
            remains = [entry.path for entry in os.scandir(self._root) if entry.name not in kept]
            if remains:
                self._run_behind(["/bin/rm", "-rf", *remains[:MAX_REMAINS]])
            for server in self._servers:
                spare = self._spare(server)
                if server.template is not None and not spare.exists():
                    unfinished = self._root / f"{spare.name}-{self._generation}"
                    self._run_behind(_shell(COPY_AHEAD, server.template, unfinished, spare))

    def _run_behind(self, command: list[str]) -> None:
        # It must not take the processor from the checks that run meanwhile.
        self._spawn(["/usr/bin/nice", "-n", "19", *command], self._log)

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                return log.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseFailed(f"The databases could not be started: {error.strerror}.") from error


def _shell(script: str, *words: Path | str) -> list[str]:
    return ["/bin/sh", "-c", script, "sh", *(str(word) for word in words)]
