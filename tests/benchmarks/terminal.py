"""How the benchmarks are started and how they fail: one sentence, never a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import typer

from backpath.cli.console import CommandFailed, fail
from tests.benchmarks.sides import SampleFailed


def start(command: Callable[..., Any], *, name: str) -> None:
    """Run `command` with the arguments of `sys.argv`; SIGTERM ends it as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command()(command)
    try:
        app(prog_name=name)
    except CommandFailed as error:
        fail(error)
        sys.exit(1)
    except SampleFailed as error:
        fail(CommandFailed("A run went wrong, so nothing is measured.", said=str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def numbers_of(text: str, *, option: str) -> tuple[int, ...]:
    """Read `1,2,4`; `none` stands for none. Raises typer.BadParameter."""
    if text == "none":
        return ()
    try:
        found = tuple(int(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1 or max(found) > 64 or len(set(found)) != len(found):
        raise typer.BadParameter(
            f"{option} takes different numbers from 1 to 64, such as 1,2,4, or “none”."
        )
    return found


def letters_of(text: str, *, option: str, known: str) -> tuple[str, ...]:
    """Read `a,b,f`. Raises typer.BadParameter."""
    found = tuple(text.split(","))
    if not found or set(found) - set(known) or len(set(found)) != len(found):
        raise typer.BadParameter(f"{option} takes different letters of {','.join(known)}.")
    return found
