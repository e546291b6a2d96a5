"""Entry point and PID 1 of the runner container.

It reads one job and one grader archive from the platform, forks a process that runs pytest over
the grader, relays that process's frames to the platform and ends the run in time. It holds no
learner code: the submission is in the other container.
"""

from __future__ import annotations

import io
import os
import platform as platform_module
import select
import signal
import struct
import sys
import tarfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/backpath")
sys.path.insert(0, "/opt/backpath/runner")

import pytest

from backpath_sdk.plugin import GraderPlugin
from wire.frames import FrameError, encode_json, read_blob, read_json
from wire.process import Watchdog, ignore_interrupts, installed_packages, make_undumpable

IDLE_SECONDS = 120.0
GRADER = Path("/grader")
HEADER = struct.Struct(">BI")


def unpack_grader(archive: bytes, target: Path = GRADER) -> None:
    """Lay out the grader's files below `target`."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        tar.extractall(target, filter="data")


def run_pytest(job: dict[str, Any], frames_fd: int) -> int:
    """Run the grader with pytest in this process; frames go to `frames_fd`."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # The grader's own modules are importable by name, from any of its files.
    sys.path.insert(0, str(GRADER))
    plugin = GraderPlugin(job, frames_fd)
    code = pytest.main(
        [
            "--noconftest",
            "-c/dev/null",
            f"--rootdir={GRADER}",
            "--import-mode=importlib",
            "-pno:cacheprovider",
            "-pno:junitxml",
            "-q",
            "--capture=sys",
            "--assert=rewrite",
            str(GRADER),
        ],
        plugins=[plugin],
    )
    plugin.finish(int(code))
    return 0


def fork_grader(job: dict[str, Any], out: int) -> tuple[int, int]:
    """Fork the pytest process; return its pid and the end of the pipe that brings its frames."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = 1
    try:
        os.close(reading)
        os.close(out)
        code = run_pytest(job, writing)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


class Relay:
    """Passes whole frames on and remembers what the closing frame has to say."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._buffer = bytearray()
        self.finished = 0
        self.ended = False

    def feed(self, data: bytes) -> None:
        """Pass on every frame that is complete; a torn one waits, and is lost with its writer."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            _, size = HEADER.unpack_from(self._buffer)
            end = HEADER.size + size
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            self.finished += b'"type":"check_finished"' in frame[:64]
            self.ended = self.ended or b'"type":"end"' in frame[:64]
            write_all(self._out, frame)

    def end(self, status: str, detail: str) -> None:
        """Write the closing frame unless the grader has."""
        if not self.ended:
            message = {
                "type": "end",
                "status": status,
                "checks": self.finished,
                "detail": detail[:4000],
                "app_log_tail": "",
            }
            write_all(self._out, encode_json(message))


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def relay_until_end(pid: int, reading: int, relay: Relay, deadline: float) -> bool:
    """Relay frames until the grader process closes its pipe; False when the deadline passed.

    The deadline of a run is enforced here, outside the process that runs the tests.
    """
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return False
        readable, _, _ = select.select([reading], [], [], min(remaining, 1.0))
        if readable:
            data = os.read(reading, 1 << 16)
            if not data:
                return True
            relay.feed(data)


def serve(out: int, watchdog: Watchdog) -> int:
    """Serve one job; return the exit code."""
    stdin = sys.stdin.buffer
    job = read_json(stdin)
    if job is None:
        return 0
    watchdog.reset(float(job["deadline_seconds"]))
    unpack_grader(read_blob(stdin))
    # A little less than our own end, so that results so far still get out.
    deadline = time.monotonic() + float(job["deadline_seconds"]) - 2.0
    pid, reading = fork_grader(job, out)
    relay = Relay(out)
    if not relay_until_end(pid, reading, relay, deadline):
        relay.end("timed_out", "the time for the whole run is over")
        return 0
    _, status = os.waitpid(pid, 0)
    relay.end("grader_error", f"pytest ended early (exit status {status})")
    # The platform closes our stdin once it has read everything.
    while stdin.read(1):
        pass
    return 0


def main() -> int:
    """Say hello, then serve."""
    idle_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else IDLE_SECONDS
    make_undumpable()
    ignore_interrupts()
    watchdog = Watchdog(idle_seconds)
    out = os.dup(1)
    os.set_inheritable(out, False)
    os.dup2(2, 1)
    write_all(
        out,
        encode_json(
            {
                "type": "hello",
                "protocol": 1,
                "role": "runner",
                "python": platform_module.python_version(),
                "packages": installed_packages(),
            }
        ),
    )
    try:
        return serve(out, watchdog)
    except (FrameError, KeyError, ValueError, tarfile.TarError) as error:
        print(f"runner: bad job: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
