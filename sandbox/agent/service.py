"""The learner's service as a process: started from the Procfile, logged, stopped for good."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from agent.workspace import Workspace
from wire.process import kill_everything_else

LOG_BYTES = 64 << 10
STOP_SECONDS = 3.0
PROCFILE_LINE = re.compile(r"^web:\s*(\S.*)$", re.MULTILINE)
VENV_BIN = "/opt/backpath/venv/bin"


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


class LogBuffer:
    """Keeps the tail of everything the service prints; the rest is drained and counted."""

    def __init__(self, limit: int = LOG_BYTES) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._limit = limit
        self._lock = threading.Lock()
        self.total = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`, forgetting the oldest bytes beyond the limit."""
        with self._lock:
            self._chunks.append(chunk)
            self._size += len(chunk)
            self.total += len(chunk)
            while self._size - len(self._chunks[0]) >= self._limit:
                self._size -= len(self._chunks.popleft())

    def tail(self, lines: int) -> str:
        """Return the last `lines` lines."""
        with self._lock:
            data = b"".join(self._chunks)[-self._limit :]
        return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])


class Service:
    """One process at a time, and nothing left of it when the next one starts."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._process: subprocess.Popen[bytes] | None = None
        self._log = LogBuffer()
        self._exit_code: int | None = None
        self._secret_key = secrets.token_hex(32)
        self._reaping = threading.Lock()
        threading.Thread(target=self._reap_orphans, name="reaper", daemon=True).start()

    def start(self, *, port: int, fresh: bool) -> None:
        """Start the `web:` process on `port`; `fresh` gives it new files and a new DATA_DIR.

        Raises StartRefused, or OSError when the process cannot be made.
        """
        self.stop()
        if fresh:
            self._workspace.unpack()
            self._secret_key = secrets.token_hex(32)
        directory = self._workspace.directory
        command = web_command(directory)
        self._log = LogBuffer()
        self._exit_code = None
        with self._reaping:  # the reaper must know this child before it may look
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=directory,
                env=self._environment(port),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        threading.Thread(
            target=self._pump, args=(self._process, self._log), name="log", daemon=True
        ).start()

    def stop(self) -> None:
        """SIGTERM to the service, then SIGKILL to every other process of the container."""
        process = self._process
        if process is not None and process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(STOP_SECONDS)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        kill_everything_else()
        if process is not None:
            process.wait()
            self._process = None

    def status(self) -> dict[str, object]:
        """Return {"running": bool, "exit_code": int | None}; negative codes are signals."""
        if self._process is None:
            return {"running": False, "exit_code": self._exit_code}
        self._exit_code = self._process.poll()
        return {"running": self._exit_code is None, "exit_code": self._exit_code}

    def log_tail(self, lines: int) -> str:
        """Return the last `lines` lines that the current or last process printed."""
        return self._log.tail(lines)

    def _environment(self, port: int) -> dict[str, str]:
        return {
            "PATH": f"{VENV_BIN}:/usr/local/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(Path(VENV_BIN).parent),
            "HOME": "/tmp",  # noqa: S108 - a private tmpfs of this container
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self._workspace.data_dir),
            "SECRET_KEY": self._secret_key,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _pump(self, process: subprocess.Popen[bytes], log: LogBuffer) -> None:
        assert process.stdout is not None  # noqa: S101 - Popen was given a pipe
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            log.write(chunk)
        process.stdout.close()

    def _reap_orphans(self) -> None:
        """Reap what learner code left behind: as PID 1 we inherit every orphan."""
        while True:
            try:
                # WNOWAIT leaves the service's own exit status for Popen.
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                found = None
            with self._reaping:
                process = self._process
                ours = process is not None and found and found.si_pid == process.pid
                if found is not None and not ours:
                    with suppress(ChildProcessError):
                        os.waitpid(found.si_pid, os.WNOHANG)
                    continue
            time.sleep(0.1)
