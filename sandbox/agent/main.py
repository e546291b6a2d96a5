"""Entry point and PID 1 of the app container.

It warms up, reads one job and one archive from the platform on standard input, then does what
the runner asks over channels. Learner code runs as its child, under the same uid: nothing that
this process says decides a grade.
"""

from __future__ import annotations

import os
import platform as platform_module
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/backpath")

from agent import launch
from agent.control import ControlChannel
from agent.databases import DatabaseFailed, Databases
from agent.preload import preload
from agent.processes import Processes
from agent.service import Service
from agent.workspace import Workspace
from wire.channels import OPENED, Channel, Mux, PortChannel, SocketChannel, Target
from wire.frames import BLOB, JSON, STREAM, FrameError, FrameParser, decode_json, encode_json
from wire.loop import READ, Loop, Outbox
from wire.process import ignore_interrupts, installed_packages, set_dumpable

IDLE_SECONDS = 120.0
READ_BYTES = 256 << 10


class Agent:
    """Reads what the platform says and does it."""

    def __init__(self, stdin: int, stdout: int, idle_seconds: float) -> None:
        self.loop = Loop()
        self._stdin = stdin
        self._out = Outbox(self.loop, stdout)
        self._parser = FrameParser()
        self._mux = Mux(self.loop, self._out, self._accept)
        self._processes = Processes(self.loop)
        self._workspace = Workspace()
        self._service = Service(self.loop, self._workspace, self._processes)
        self._service.in_child = self._abandon
        self._databases = Databases([], self._processes)
        self._job: dict[str, Any] | None = None
        self._end = self.loop.call_later(idle_seconds, self._too_late)
        os.set_blocking(stdin, False)
        self.loop.watch(stdin, READ, self._read)
        self.exit_code = 0

    def say(self, message: dict[str, Any]) -> None:
        """Send one JSON frame to the platform."""
        self._out.write(encode_json(message))

    def hello(self) -> None:
        """Say who this is and what learner code will find."""
        self.say(
            {
                "type": "hello",
                "protocol": 2,
                "role": "app",
                "python": platform_module.python_version(),
                "packages": installed_packages(),
            }
        )

    # What comes in ---------------------------------------------------------------------------

    def _read(self, _events: int) -> None:
        try:
            data = os.read(self._stdin, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            # When the worker dies the Engine closes our input, and so the container ends at once.
            self.loop.stop()
            return
        try:
            for kind, payload in self._parser.feed(data):
                self._take(kind, payload)
        except (FrameError, KeyError, ValueError, TypeError) as error:
            print(f"agent: bad frame: {error!r}", file=sys.stderr)
            self.exit_code = 2
            self.loop.stop()
        except DatabaseFailed as failure:
            # No submission has been near them: the fault is ours.
            print(f"agent: {failure}", file=sys.stderr)
            self.exit_code = 3
            self.loop.stop()

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == STREAM:
            self._mux.feed(payload)
        elif kind == JSON:
            message = decode_json(payload)
            if message["type"] == "warm":
                self._warm(message)
            elif message["type"] == "inside":
                self.say({"type": "inside", **self._service.inside()})
            elif message["type"] == "job" and self._job is None:
                self._job = message
                self._rearm(float(message["deadline_seconds"]))
                self._start_databases(message.get("services", []))
        elif kind == BLOB and self._job is not None:
            self._begin(payload)

    def _warm(self, message: dict[str, Any]) -> None:
        self._rearm(float(message["deadline_seconds"]))
        began = time.monotonic()
        self._start_databases(message.get("services", []))
        preload([str(name) for name in message["preload"]])
        self._databases.wait()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.say(
            {
                "type": "warm",
                "seconds": round(time.monotonic() - began, 4),
                "memory_mb": max(1, peak >> 10) + self._databases.memory_mb(),
            }
        )

    def _start_databases(self, names: Iterable[str]) -> None:
        """Start the servers that are asked for, unless that was done while warming up."""
        wanted = Databases(names, self._processes)
        if wanted.names != self._databases.names:
            self._databases = wanted
            self._service.open_databases = lambda fresh: wanted.open(fresh=fresh)
            wanted.start()

    def _begin(self, archive: bytes) -> None:
        job = self._job or {}
        reply: dict[str, Any] = {"type": "unpacked", "files": 0}
        try:
            self._workspace.accept(archive)
            reply["files"] = self._workspace.unpack()
        except OSError as error:
            # The learner's own limit: more files or bytes than the app's file system may hold.
            reply["error"] = f"cannot unpack: {error.strerror}"
        self._service.prepare()
        self.say(reply)
        if "error" not in reply:
            preload([str(name) for name in job.get("preload", [])])
            self._service.start_ahead()

    # Channels --------------------------------------------------------------------------------

    def _accept(self, mux: Mux, number: int, target: Target) -> Channel:
        if self._job is None:
            raise ConnectionRefusedError(None, "there is no submission yet")
        kind = target.get("to")
        if kind == "control":
            mux.send(number, OPENED)
            return ControlChannel(mux, number, self._service)
        if kind == "port":
            return PortChannel(mux, number, int(str(target["port"])))
        if kind == "modules":
            return self._serve_modules(mux, number)
        raise ValueError(f"unknown target {kind!r}")

    def _serve_modules(self, mux: Mux, number: int) -> Channel:
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        directory, environment = self._workspace.directory, self._service.environment()

        def in_child() -> Callable[[], object]:
            ours.detach()
            descriptor = theirs.detach()
            self._abandon()
            launch.become(
                directory=directory, environment=environment, output=writing, keep=[descriptor]
            )
            return lambda: launch.run_modules(descriptor, directory)

        try:
            pid = launch.fork(in_child)
        except OSError:
            # More processes than the learner's limit: refused, with nothing left open.
            os.close(reading)
            os.close(writing)
            raise
        theirs.close()
        os.close(writing)
        self._service.keep_output_of(pid, reading)
        mux.send(number, OPENED)
        return SocketChannel(mux, number, ours, is_open=True)

    # Ends ------------------------------------------------------------------------------------

    def _rearm(self, seconds: float) -> None:
        self._end.cancel()
        self._end = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self.exit_code = 124
        self.loop.stop()

    def _abandon(self) -> None:
        """In a forked child: forget the agent's descriptors before their numbers are reused."""
        self.loop.close()
        self._processes.abandon()
        self._mux.abandon()


def main() -> int:
    """Serve one job; return the exit code."""
    # This file's own folder: its modules are no top-level names.
    sys.path.remove(str(Path(__file__).parent))
    idle_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else IDLE_SECONDS
    set_dumpable(False)
    ignore_interrupts()
    out = os.dup(1)
    # Descriptor 1 is what a stray print of ours would reach.
    os.dup2(2, 1)
    agent = Agent(0, out, idle_seconds)
    agent.hello()
    agent.loop.run()
    return agent.exit_code


if __name__ == "__main__":
    try:
        code = main()
    except launch.Child as child:
        run = child.run
    else:
        # Not sys.exit: nothing must delay the end of the container.
        os._exit(code)
    # A forked child: it runs with nothing of the agent on its stack, and ends as Python ends.
    run()
