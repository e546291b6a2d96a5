"""What the commands say: steps with their duration, and failures in one sentence."""

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from backpath.cli.paths import REPOSITORY

console = Console(highlight=False, soft_wrap=True)
# Progress is kept off standard output, which may be read by a program.
notes = Console(stderr=True, highlight=False, soft_wrap=True)
HEARTBEAT_SECONDS = 15.0


class CommandFailed(Exception):
    """A command cannot go on; the message is for the person at the terminal.

    ``problem`` is one plain sentence, ``remedy`` what to do about it, ``said``
    what the program behind it printed last.
    """

    def __init__(self, problem: str, remedy: str = "", *, said: str = "") -> None:
        super().__init__(" ".join(part for part in (problem, remedy) if part))
        self.problem = problem
        self.remedy = remedy
        self.said = said


@dataclass
class Step:
    """A running step; ``detail`` is what it is doing right now."""

    title: str
    detail: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


def _beat(step: Step, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        detail = f": {step.detail}" if step.detail else ""
        notes.print(f"  … {step.title}{detail} ({step.seconds:.0f} s)", markup=False, style="dim")


def _spin(step: Step, stop: threading.Event) -> None:
    with notes.status("") as status:
        while not stop.wait(0.2):
            width = max(notes.width - 8, 20)
            status.update(escape(f"{step.title}  {step.detail}"[:width]))


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """Show on standard error that a long step is alive, then how long it took.

    On a terminal a spinner shows the step's current detail; elsewhere a line
    is printed now and then, so that logs do not look stuck either.
    """
    step = Step(title)
    stop = threading.Event()
    is_watched = notes.is_terminal
    if not is_watched:
        notes.print(f"  … {title}", markup=False, style="dim")
    show = threading.Thread(target=_spin if is_watched else _beat, args=(step, stop), daemon=True)
    show.start()
    mark = "[red]✗[/red]"
    try:
        yield step
        mark = "[green]✓[/green]"
    finally:
        stop.set()
        show.join()
        notes.print(f"  {mark} {escape(title)} [dim]{step.seconds:.1f} s[/dim]")


def note(text: str) -> None:
    """One plain line on standard error."""
    notes.print(f"  {text}", markup=False)


def warn(problem: str, remedy: str = "") -> None:
    """Something is not as it should be, and the command goes on all the same."""
    notes.print(f"  [yellow]![/yellow] {escape(problem)}")
    if remedy:
        notes.print(f"    {escape(remedy)}")


def fail(error: CommandFailed) -> None:
    """Print a failure to standard error: what was said, the problem, then the remedy."""
    for line in error.said.splitlines():
        notes.print(f"    {line}", markup=False, style="dim")
    notes.print(f"[bold red]Error:[/bold red] {escape(error.problem)}")
    if error.remedy:
        notes.print(f"[bold]What to do:[/bold] {escape(error.remedy)}")


def unexpected(error: Exception) -> CommandFailed:
    """A failure nobody foresaw, as a sentence; the traceback goes to a file."""
    log = REPOSITORY / ".cache" / "last-error.log"
    remedy = "Please report it with what you ran."
    try:
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)))
        remedy = f"Please report it with what you ran and the file {log}."
    except OSError:
        # What went wrong matters more than keeping its details.
        pass
    said = str(error).strip().splitlines()
    return CommandFailed(
        f"Something unexpected went wrong: {type(error).__name__}: {said[0] if said else ''}",
        remedy,
    )
