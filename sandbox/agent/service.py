"""The learner's service as a process: started from the Procfile, logged, stopped for good."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from agent import launch
from agent.inside import InsideRecord
from agent.logs import LogBuffer
from agent.processes import Processes
from agent.workspace import Workspace
from wire.loop import READ, Loop, Timer

STOP_SECONDS = 3.0
POLL_SECONDS = 0.003
LOG_CHUNK = 64 << 10
PROCFILE_LINE = re.compile(r"^web:\s*(\S.*)$", re.MULTILINE)
LISTENING = "0A"


class StartRefused(Exception):
    """The submission says nothing that could be started; the text is for the learner."""


def web_command(directory: Path) -> str:
    """Return the `web:` line of the Procfile in `directory`. Raises StartRefused."""
    procfile = directory / "Procfile"
    if not procfile.is_file():
        raise StartRefused(
            "There is no file named Procfile at the top of your submission. "
            "It needs a line that starts with `web:` and says how to start your service."
        )
    text = procfile.read_bytes()[:8192].decode("utf-8", "replace").replace("\r\n", "\n")
    match = PROCFILE_LINE.search(text)
    if match is None:
        raise StartRefused("Your Procfile has no line that starts with `web:`.")
    return match.group(1).strip()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody listens on `port`, as the kernel's own table says."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as lines:  # noqa: PTH123 - polled
            for line in lines:
                fields = line.split(maxsplit=4)
                if fields[1].endswith(wanted) and fields[3] == LISTENING:
                    return True
    return False


class Service:
    """One process at a time, and nothing left of it when the next one starts."""

    def __init__(self, loop: Loop, workspace: Workspace, processes: Processes) -> None:
        self._loop = loop
        self._workspace = workspace
        self._processes = processes
        self._pid: int | None = None
        self._exit_code: int | None = None
        self._log = LogBuffer()
        self._inside = InsideRecord()
        self._pipe = -1
        self._secret_key = secrets.token_hex(32)
        self._waiting: Timer | None = None
        self._is_ahead = False
        self.port = 0
        self._extra: dict[str, str] = {}
        self.in_child: Callable[[], None] = lambda: None
        """Called in a forked child before it becomes a process of its own."""
        self.open_databases: Callable[[bool], dict[str, str]] = lambda _fresh: {}
        """Called, with whether they are to be empty, before a start: returns what databases that
        take connections add to the environment. Raises DatabaseFailed."""

    # Commands ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Have everything that the first start needs. Raises DatabaseFailed."""
        self._extra = self.open_databases(True)

    def start_ahead(self) -> None:
        """Start the service before anybody asks, where there is something to start."""
        with suppress(StartRefused, OSError):
            self._spawn()
            self._is_ahead = True

    def start(
        self, *, fresh: bool, seconds: float, answer: Callable[[dict[str, object]], None]
    ) -> None:
        """Start the `web:` process; `fresh` gives it new files and a new DATA_DIR.

        `answer` is called once somebody listens on its port, it has ended, or `seconds` are
        over. Raises StartRefused, DatabaseFailed, or OSError when the process cannot be made.
        """
        if self._is_ahead and fresh:
            self._is_ahead = False
        else:
            self.stop(gracefully=not fresh)
            if fresh:
                self._workspace.unpack()
                self._secret_key = secrets.token_hex(32)
            self._extra = self.open_databases(fresh)
            self._spawn()
        self._answer_when_listening(time.monotonic() + seconds, answer)

    def stop(self, *, gracefully: bool = True) -> None:
        """SIGTERM to the service if it may end gracefully, then SIGKILL to everything else."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._is_ahead = False
        self._look_inside()
        pid = self._pid
        if gracefully and pid is not None and self._processes.is_running(pid):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self._processes.is_running(pid) and time.monotonic() < deadline:
                # It may have much to say before it goes, and wait for room to say it.
                self._pump(READ)
                time.sleep(POLL_SECONDS)
        self._processes.kill_all()
        if pid is not None:
            self._exit_code = self._processes.exit_code(pid)
        self._pid = None
        self._pump(READ)
        self._close_pipe()

    def status(self) -> dict[str, object]:
        """Return {"running": bool, "exit_code": int | None}; negative codes are signals."""
        if self._pid is None:
            return {"running": False, "exit_code": self._exit_code}
        self._exit_code = self._processes.exit_code(self._pid)
        return {"running": self._exit_code is None, "exit_code": self._exit_code}

    def log_tail(self, lines: int) -> str:
        """Return the last `lines` lines that the current or last process printed."""
        self._pump(READ)
        return self._log.tail(lines)

    def inside(self) -> dict[str, object]:
        """Return what the container met of its limits, see InsideRecord.as_json."""
        self._look_inside()
        return self._inside.as_json()

    def environment(self) -> dict[str, str]:
        """Return the environment of the learner's processes."""
        return {
            "PATH": f"{launch.VENV_BIN}:/usr/local/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(launch.VENV_BIN.parent),
            "HOME": "/tmp",  # noqa: S108 - a private tmpfs of this container
            "PWD": str(self._workspace.directory),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self._workspace.data_dir),
            "SECRET_KEY": self._secret_key,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._extra,
        }

    def _look_inside(self) -> None:
        if self._pid is not None:
            self._pump(READ)
            self._inside.sample(output_bytes=self._log.total)

    # Processes -------------------------------------------------------------------------------

    def _spawn(self) -> None:
        directory = self._workspace.directory
        line = web_command(directory)
        self._log = LogBuffer()
        self._exit_code = None
        self.port = free_port()
        environment = self.environment()
        command = launch.parse(line, environment, directory)
        if command is not None and launch.shadowed({directory, command.first_path}):
            command = None
        reading, writing = os.pipe()

        def in_child() -> Callable[[], object]:
            self.in_child()
            launch.become(directory=directory, environment=environment, output=writing)
            if command is None:
                launch.run_shell(line)
            return lambda: launch.run_python(command)

        pid = launch.fork(in_child)
        os.close(writing)
        os.set_blocking(reading, False)
        self._close_pipe()
        self._pid = pid
        self._processes.add(pid)
        self._pipe = reading
        self._loop.watch(reading, READ, self._pump)

    def _answer_when_listening(
        self, deadline: float, answer: Callable[[dict[str, object]], None]
    ) -> None:
        status = self.status()
        listening = is_listening(self.port)
        if listening or not status["running"] or time.monotonic() >= deadline:
            self._waiting = None
            answer({"ok": True, "port": self.port, "listening": listening, **status})
            return
        self._waiting = self._loop.call_later(
            POLL_SECONDS, lambda: self._answer_when_listening(deadline, answer)
        )

    def _pump(self, _events: int) -> None:
        if self._pipe < 0:
            return
        try:
            chunk = os.read(self._pipe, LOG_CHUNK)
        except BlockingIOError:
            return
        if chunk:
            self._log.write(chunk)
        else:
            self._close_pipe()

    def keep_output_of(self, pid: int, reading: int) -> None:
        """Take what `pid`, which is no service, prints into the log, for as long as it prints."""
        os.set_blocking(reading, False)
        log = self._log

        def pump(_events: int) -> None:
            try:
                chunk = os.read(reading, LOG_CHUNK)
            except BlockingIOError:
                return
            if chunk:
                log.write(chunk)
            else:
                self._loop.unwatch(reading)
                os.close(reading)

        self._processes.add(pid)
        self._loop.watch(reading, READ, pump)

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            self._loop.unwatch(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
