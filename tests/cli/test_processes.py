"""The supervisor, with small real programs."""

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from backpath.cli.paths import PLATFORM
from backpath.cli.processes import Program, Supervisor, backoff_seconds
from tests.cli.factories import make_program, processes_with

MARK = "BACKPATH_TEST_MARK"


class Screen:
    """What the supervisor printed."""

    def __init__(self) -> None:
        self.file = io.StringIO()
        self.console = Console(file=self.file, width=200, color_system=None)

    @property
    def text(self) -> str:
        return self.file.getvalue()


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"{MARK}={tmp_path}"


def make_supervisor(
    screen: Screen, mark: str, *programs: Program, grace_seconds: float = 5.0
) -> Supervisor:
    name, _, value = mark.partition("=")
    environment = {**os.environ, "PYTHONPATH": str(PLATFORM), name: value}
    return Supervisor(programs, screen.console, environment, grace_seconds=grace_seconds)


def run_until(supervisor: Supervisor, is_done: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds

    def look() -> None:
        assert time.monotonic() < deadline, "it did not happen in time"
        if is_done():
            supervisor.stop()

    supervisor.run(on_tick=look)


def test_lines_carry_the_name_of_their_program(tmp_path: Path, screen: Screen, mark: str) -> None:
    command = make_program(
        tmp_path, "talk", ["import time", "print('hello [bold]')", "time.sleep(60)"]
    )
    supervisor = make_supervisor(screen, mark, Program("web", command))
    run_until(supervisor, lambda: "hello" in screen.text)
    assert "    web │ hello [bold]\n" in screen.text


def test_a_crashed_program_is_started_again(tmp_path: Path, screen: Screen, mark: str) -> None:
    runs = tmp_path / "runs"
    lines = [f"open({str(runs)!r}, 'a').write('x')", "raise SystemExit(3)"]
    supervisor = make_supervisor(screen, mark, Program("web", make_program(tmp_path, "die", lines)))
    run_until(supervisor, lambda: runs.exists() and len(runs.read_text()) == 2)
    assert "stopped by itself (exit code 3); starting it again in 1 s" in screen.text


@pytest.mark.parametrize(
    ("crashes", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (400, 30)]
)
def test_backoff_grows_and_is_bounded(crashes: int, seconds: int) -> None:
    assert backoff_seconds(crashes) == seconds


def test_a_program_waits_until_it_may_start(tmp_path: Path, screen: Screen, mark: str) -> None:
    allowed = tmp_path / "allowed"
    asked: list[bool] = []

    def may_start() -> bool:
        asked.append(allowed.exists())
        if len(asked) == 3:
            allowed.touch()
        return asked[-1]

    command = make_program(tmp_path, "wait", ["import time", "print('up')", "time.sleep(60)"])
    supervisor = make_supervisor(screen, mark, Program("worker", command, may_start=may_start))
    run_until(supervisor, lambda: "up" in screen.text)
    assert asked == [False, False, False, True]


def test_stop_leaves_no_process_even_of_those_that_ignore_it(
    tmp_path: Path, screen: Screen, mark: str
) -> None:
    """A deaf program with a deaf child of its own is killed after the grace time."""
    lines = [
        "import os, signal, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "os.fork()",
        "print('deaf')",
        "time.sleep(120)",
    ]
    deaf = Program("worker", make_program(tmp_path, "deaf", lines))
    polite = Program("web", make_program(tmp_path, "polite", ["import time", "time.sleep(120)"]))
    supervisor = make_supervisor(screen, mark, deaf, polite, grace_seconds=0.5)
    run_until(supervisor, lambda: screen.text.count("deaf") == 2)
    assert "worker │ did not stop in time and is killed" in screen.text
    assert "web │ did not stop" not in screen.text
    assert processes_with(mark) == {}


def test_a_program_may_finish_its_work_within_the_grace_time(
    tmp_path: Path, screen: Screen, mark: str
) -> None:
    lines = [
        "import signal, sys, time",
        "def finish(*_): time.sleep(0.5); print('finished'); sys.exit(0)",
        "signal.signal(signal.SIGTERM, finish)",
        "print('ready')",
        "time.sleep(120)",
    ]
    supervisor = make_supervisor(
        screen, mark, Program("worker", make_program(tmp_path, "w", lines))
    )
    run_until(supervisor, lambda: "ready" in screen.text)
    assert "finished" in screen.text
    assert "killed" not in screen.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_signals_stop_everything(
    tmp_path: Path, screen: Screen, mark: str, number: signal.Signals
) -> None:
    command = make_program(tmp_path, "long", ["import time", "print('up')", "time.sleep(120)"])
    supervisor = make_supervisor(screen, mark, Program("web", command))
    before = signal.getsignal(number)

    def send_once_up() -> None:
        if "up" in screen.text:
            os.kill(os.getpid(), number)

    supervisor.run(on_tick=send_once_up)
    assert processes_with(mark) == {}
    assert signal.getsignal(number) is before


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path, mark: str) -> None:
    """Nothing can be cleaned up after SIGKILL, so the kernel tells the children."""
    name, _, value = mark.partition("=")
    child = make_program(tmp_path, "child", ["import time", "time.sleep(120)"])
    lines = [
        "import os",
        "from rich.console import Console",
        "from backpath.cli.processes import Program, Supervisor",
        f"Supervisor([Program('web', {child!r})], Console()).run()",
    ]
    parent = make_program(tmp_path, "parent", lines)
    environment = {**os.environ, "PYTHONPATH": str(PLATFORM), name: value}
    pid = os.posix_spawn(parent[0], parent, environment)
    try:
        wait_for(lambda: any("child.py" in one and "-m" not in one for one in running(mark)))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    wait_for(lambda: running(mark) == [])


def running(mark: str) -> list[str]:
    return list(processes_with(mark).values())


def wait_for(is_true: Callable[[], bool], *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
