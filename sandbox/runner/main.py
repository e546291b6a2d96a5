"""Entry point and PID 1 of the runner container.

It has imported pytest and the SDK, and forks a process that runs one grader a job. Between them
it passes frames on: the grader's results to the platform, and the grader's connections to the
learner's app, which is in another container. It serves one job after the other and leaves
nothing of one to the next. No learner code ever runs here, and no byte of the learner's is
looked at by this process.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import platform as platform_module
import socket
import sys
import tarfile
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/backpath")
sys.path.insert(0, "/opt/backpath/runner")

import pytest
from _pytest.config import default_plugins

from backpath_sdk import link
from backpath_sdk.plugin import GraderPlugin
from wire.channels import OPEN, Mux, SocketChannel
from wire.frames import (
    BLOB,
    HEADER,
    JSON,
    STREAM,
    FrameError,
    FrameParser,
    decode_json,
    encode_json,
)
from wire.loop import READ, Loop, Outbox
from wire.process import (
    ignore_interrupts,
    installed_packages,
    kill_everything_else,
    set_dumpable,
)

# Parts of pytest that have nobody to speak to here; each costs a little of every run.
UNUSED_PLUGINS = (
    "cacheprovider",
    "debugging",
    "doctest",
    "faulthandler",
    "junitxml",
    "legacypath",
    "pastebin",
    "setuponly",
    "setupplan",
    "stepwise",
    "threadexception",
    "unraisableexception",
)
# Its life hangs on its input, which the Engine closes when the worker dies. This is the last
# resort, for an Engine that does not.
IDLE_SECONDS = 3600.0
LAST_SECONDS = 2.0
READ_BYTES = 256 << 10
GRADER = Path("/grader")
SCRATCH = (GRADER, Path("/tmp"))  # noqa: S108 - a private tmpfs of this container


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
            *(f"-pno:{name}" for name in UNUSED_PLUGINS),
            "-q",
            "--tb=no",
            "--capture=sys",
            "--assert=rewrite",
            str(GRADER),
        ],
        plugins=[plugin],
    )
    plugin.finish(int(code))
    return 0


def warm_up() -> None:
    """Import what every run of pytest imports, once."""
    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    # Nothing made so far will be collected: forks keep sharing its pages.
    gc.collect()
    gc.freeze()


def wipe(folders: Iterable[Path] = SCRATCH) -> None:
    """Remove what a grader left on disk. Raises OSError when something stays."""
    for folder in folders:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                # A grader may have locked itself out; the owner may still let us in.
                Path(entry.path).chmod(0o700)
                wipe([Path(entry.path)])
                Path(entry.path).rmdir()
            else:
                Path(entry.path).unlink()


class OpenChannel(SocketChannel):
    """A connection of the grader's to the app; its first byte says whether that is open."""

    def opened(self) -> None:
        self._incoming[:0] = link.ACCEPTED
        self.local_opened()

    def gone(self, reason: str) -> None:
        if not self._is_open and self._fd >= 0:
            with suppress(OSError):
                self._socket.send(link.REFUSED + reason.encode())
        super().gone(reason)

    def watch(self) -> None:
        # What the grader sends at once is passed on before the other side has accepted.
        was_open, self._is_open = self._is_open, True
        super().watch()
        self._is_open = was_open


class Run:
    """One grader process and what is known of it."""

    def __init__(self, runner: Runner, job: dict[str, Any], archive: bytes) -> None:
        self._runner = runner
        self._parser_buffer = bytearray()
        self.finished = 0
        self.has_ended = False
        # A little less than our own end, so that results so far still get out.
        seconds = float(job["deadline_seconds"]) - 2.0
        self._timer = runner.loop.call_later(seconds, self._too_late)
        reading, writing = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                runner.abandon()
                os.close(reading)
                ours.close()
                link.adopt(theirs)
                unpack_grader(archive)
                code = run_pytest(job, writing)
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        theirs.close()
        self._frames = reading
        self._link = ours
        os.set_blocking(reading, False)
        ours.setblocking(False)
        runner.loop.watch(reading, READ, self._read_frames)
        runner.loop.watch(ours.fileno(), READ, self._read_link)

    def _read_frames(self, _events: int) -> None:
        try:
            data = os.read(self._frames, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self.close("grader_error", "")
            return
        self._parser_buffer += data
        while len(self._parser_buffer) >= HEADER.size:
            _, size = HEADER.unpack_from(self._parser_buffer)
            end = HEADER.size + size
            if len(self._parser_buffer) < end:
                # A torn frame waits, and is lost with its writer.
                return
            self._pass_on(bytes(self._parser_buffer[:end]))
            del self._parser_buffer[:end]

    def _pass_on(self, frame: bytes) -> None:
        head = frame[:64]
        self.finished += b'"type":"check_finished"' in head
        self._runner.out.write(frame)
        if b'"type":"end"' in head:
            self.has_ended = True
            self.close("completed", "")

    def _read_link(self, _events: int) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._link, 4096, 1)
        except OSError:
            data, descriptors = b"", []
        if not data or not descriptors:
            self._runner.loop.unwatch(self._link.fileno())
            return
        self._runner.open(data, socket.socket(fileno=descriptors[0]))

    def _too_late(self) -> None:
        self.close("timed_out", "the time for the whole run is over")

    def close(self, status: str, detail: str) -> None:
        """End the grader and everything it started, say the last word unless it has."""
        self._timer.cancel()
        self._runner.loop.unwatch(self._frames)
        self._runner.loop.unwatch(self._link.fileno())
        if not self.has_ended and status != "timed_out":
            detail = f"pytest ended early ({self._exit_text()})"
        os.close(self._frames)
        self._link.close()
        self._runner.finish(self, status, detail)

    def _exit_text(self) -> str:
        """Say how the process ended, which has just closed its pipe."""
        deadline = time.monotonic() + LAST_SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return f"exit status {os.waitstatus_to_exitcode(status)}"
            time.sleep(0.001)
        return "it closed its pipe and went on"


class Runner:
    """Serves one job after the other."""

    def __init__(self, stdin: int, stdout: int, idle_seconds: float) -> None:
        self.loop = Loop()
        self._stdin = stdin
        self.out = Outbox(self.loop, stdout)
        self._parser = FrameParser()
        self._mux = Mux(self.loop, self.out)
        self._job: dict[str, Any] | None = None
        self._run: Run | None = None
        self._is_app_gone = False
        self._idle_seconds = idle_seconds
        self._end = self.loop.call_later(idle_seconds, self._too_late)
        os.set_blocking(stdin, False)
        self.loop.watch(stdin, READ, self._read)
        self.exit_code = 0

    def hello(self) -> None:
        """Say who this is."""
        message = {
            "type": "hello",
            "protocol": 2,
            "role": "runner",
            "python": platform_module.python_version(),
            "packages": installed_packages(),
        }
        self.out.write(encode_json(message))

    def open(self, target: bytes, sock: socket.socket) -> None:
        """Join `sock` of the grader's to a new channel."""
        if self._is_app_gone:
            with suppress(OSError):
                sock.send(link.REFUSED + b"the app's container has ended")
            sock.close()
            return
        number = self._mux.new_number()
        self._mux.send(number, OPEN, target)
        self._mux.add(OpenChannel(self._mux, number, sock, is_open=False))

    def finish(self, run: Run, status: str, detail: str) -> None:
        """Tell that a run is over, clean up behind it, and be ready for the next."""
        if not run.has_ended:
            message = {
                "type": "end",
                "status": status,
                "checks": run.finished,
                "detail": detail[:4000],
                "app_log_tail": "",
            }
            self.out.write(encode_json(message))
        self._mux.reset_all("")
        self._run = self._job = None
        self._is_app_gone = False
        try:
            end_everybody()
            wipe()
        except OSError as error:
            print(f"runner: cannot clean up: {error}", file=sys.stderr)
            self.exit_code = 3
            self.out.flush()
            self.loop.stop()
            return
        self._rearm(self._idle_seconds)
        self.out.write(encode_json({"type": "idle"}))

    def abandon(self) -> None:
        """In the forked grader: let go of what is the parent's."""
        self.loop.close()
        os.close(self._stdin)
        os.close(self.out.fd)
        self._mux.abandon()

    def _read(self, _events: int) -> None:
        try:
            data = os.read(self._stdin, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            # The platform keeps our input open for as long as it wants the container.
            self.loop.stop()
            return
        try:
            for kind, payload in self._parser.feed(data):
                self._take(kind, payload)
        except (FrameError, KeyError, ValueError, TypeError) as error:
            print(f"runner: bad frame: {error!r}", file=sys.stderr)
            self.exit_code = 2
            self.loop.stop()

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == STREAM:
            # After a run its channels are unknown: late frames of its app find nobody.
            self._mux.feed(payload)
        elif kind == BLOB:
            if self._job is None or self._run is not None:
                raise FrameError("a blob without a job")
            self._run = Run(self, self._job, payload)
        elif kind == JSON:
            message = decode_json(payload)
            if message["type"] == "app_gone":
                self._is_app_gone = self._run is not None
                self._mux.reset_all("the app's container has ended")
            elif self._run is not None or self._job is not None:
                raise FrameError("a job while another is at work")
            else:
                self._job = message
                self._rearm(float(message["deadline_seconds"]) + LAST_SECONDS)

    def _rearm(self, seconds: float) -> None:
        self._end.cancel()
        self._end = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self.exit_code = 124
        self.loop.stop()


def end_everybody() -> None:
    """SIGKILL what a grader left running, and see it gone. Raises OSError if it stays."""
    deadline = time.monotonic() + 5
    kill_everything_else()
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.0005)
    raise TimeoutError("processes of the grader do not end")


def main() -> int:
    """Say hello, then serve."""
    idle_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else IDLE_SECONDS
    set_dumpable(False)
    ignore_interrupts()
    out = os.dup(1)
    os.set_inheritable(out, False)
    os.dup2(2, 1)
    warm_up()
    runner = Runner(0, out, idle_seconds)
    runner.hello()
    runner.loop.run()
    return runner.exit_code


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
