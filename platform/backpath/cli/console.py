"""What the commands say: steps with their duration, and failures in one sentence."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
HEARTBEAT_SECONDS = 15.0


class CommandFailed(Exception):
    """A command cannot go on; the message is for the person at the terminal.

    ``problem`` is one plain sentence, ``remedy`` what to do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


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
        console.print(f"  … {step.title}{detail} ({step.seconds:.0f} s)", markup=False, style="dim")


def _spin(step: Step, stop: threading.Event) -> None:
    with console.status("") as status:
        while not stop.wait(0.2):
            width = max(console.width - 8, 20)
            status.update(f"{step.title}  {step.detail}"[:width].replace("[", "\\["))


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """Show that a long step is alive, then how long it took.

    On a terminal a spinner shows the step's current detail; elsewhere a line
    is printed now and then, so that logs do not look stuck either.
    """
    step = Step(title)
    stop = threading.Event()
    interactive = console.is_terminal
    if not interactive:
        console.print(f"  … {title}", markup=False, style="dim")
    show = threading.Thread(target=_spin if interactive else _beat, args=(step, stop), daemon=True)
    show.start()
    done = False
    try:
        yield step
        done = True
    finally:
        stop.set()
        show.join()
        if done:
            console.print(f"  [green]✓[/green] {title} [dim]{step.seconds:.1f} s[/dim]")
        else:
            console.print(f"  [red]✗[/red] {title}")


def fail(error: CommandFailed) -> None:
    """Print a failure to standard error: the problem, then the remedy."""
    sys.stdout.flush()
    shown = Console(stderr=True, highlight=False, soft_wrap=True)
    shown.print(f"[bold red]Error:[/bold red] {_plain(error.problem)}")
    if error.remedy:
        shown.print(f"[bold]What to do:[/bold] {_plain(error.remedy)}")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
