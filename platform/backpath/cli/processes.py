"""A small supervisor: start programs together, show their lines, restart what crashes,
and stop all of them, with everything they started, when told to."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from rich.console import Console
from rich.text import Text

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 30.0
# A program that has run this long is taken for healthy: its next crash is a first one.
HEALTHY_SECONDS = 60.0
GRACE_SECONDS = 15.0
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """What to run: a short ``name`` for its lines, and the ``command``.

    ``may_start`` is asked before each start; while it says no, the program waits.
    """

    name: str
    command: Sequence[str]
    colour: str = "white"
    may_start: Callable[[], bool] = lambda: True


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    crashes: int = 0


def backoff_seconds(crashes: int) -> float:
    """How long to wait after that many crashes in a row: 1, 2, 4 … 30 seconds."""
    return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(crashes - 1, 10), LONGEST_BACKOFF_SECONDS)


@dataclass
class Supervisor:
    """Runs programs as children until :meth:`stop` or one of the stop signals.

    ``clock`` returns seconds that only grow. Each child leads a session of its own,
    so that Ctrl-C in the terminal reaches the supervisor alone and a stop reaches
    whatever the child started.
    """

    programs: Sequence[Program]
    output: Console
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace_seconds: float = GRACE_SECONDS
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._children = [_Child(program) for program in self.programs]
        self._stop = threading.Event()
        self._stop_requests = 0
        self._printing = threading.Lock()

    def run(self, *, on_tick: Callable[[], None] = lambda: None) -> None:
        """Start every program and look after them until told to stop; then stop them all.

        ``on_tick`` is called about ten times a second, between two looks. Call it
        from the main thread: it takes over the stop signals while it runs.
        """
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            while not self._stop.is_set():
                self._look()
                on_tick()
                self._stop.wait(POLL_SECONDS)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Make :meth:`run` stop the programs and return."""
        self._stop.set()

    def pid_of(self, name: str) -> int | None:
        """Process number of a program, or None while it does not run."""
        for child in self._children:
            if child.program.name == name and child.process is not None:
                return child.process.pid
        return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        del number
        self._stop_requests += 1
        self._stop.set()

    # --- starting and restarting ---

    def _look(self) -> None:
        for child in self._children:
            if child.process is None:
                if self.clock() >= child.next_start_at and child.program.may_start():
                    self._start(child)
            elif child.process.poll() is not None:
                self._after_exit(child)

    def _start(self, child: _Child) -> None:
        child.started_at = self.clock()
        child.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backpath.cli.child", *child.program.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**self.environment, "BACKPATH_SUPERVISOR": str(os.getpid())},
        )
        child.reader = threading.Thread(
            target=self._print_lines, args=(child.program, child.process), daemon=True
        )
        child.reader.start()

    def _after_exit(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        self._finish(child)
        if self.clock() - child.started_at >= HEALTHY_SECONDS:
            child.crashes = 0
        child.crashes += 1
        wait = backoff_seconds(child.crashes)
        child.next_start_at = self.clock() + wait
        self.say(
            child.program,
            f"stopped by itself ({_reason(process.returncode)}); starting it again in {wait:.0f} s",
        )

    # --- stopping ---

    def _stop_all(self) -> None:
        running = [child for child in self._children if child.process is not None]
        if running:
            with self._printing:
                self.output.print("\n  Stopping; a second Ctrl-C stops at once …")
        for child in running:
            _signal_leader(child.process, signal.SIGTERM)
        asked = self._stop_requests
        deadline = self.clock() + self.grace_seconds
        while any(child.process and child.process.poll() is None for child in running):
            # A second Ctrl-C means: now.
            if self.clock() >= deadline or self._stop_requests > max(asked, 1):
                break
            time.sleep(POLL_SECONDS / 2)
        for child in running:
            if child.process is not None and child.process.poll() is None:
                self.say(child.program, "did not stop in time and is killed")
            self._finish(child)

    def _finish(self, child: _Child) -> None:
        """Leave nothing of a child behind: neither processes, nor unread lines."""
        if child.process is None:
            return
        _kill_session(child.process.pid)
        child.process.wait()
        if child.reader is not None:
            child.reader.join(timeout=5)
        child.process = child.reader = None

    # --- printing ---

    def _print_lines(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                self.say(program, line.decode(errors="replace").rstrip())

    def say(self, program: Program, line: str) -> None:
        """Print one line under the program's name."""
        shown = Text.assemble((f"{program.name:>7} │ ", program.colour))
        shown.append_text(Text.from_ansi(line))
        with self._printing:
            self.output.print(shown)


def _signal_leader(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)


def _kill_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
