"""``python -m backpath.cli``: names the commands and loads only the one that is asked for."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import typer

from backpath.cli.console import CommandFailed, fail, unexpected


@dataclass(frozen=True)
class Command:
    """Where a command lives (``module:function``) and what it does."""

    target: str
    help: str
    passes_arguments_on: bool = False
    is_group: bool = False
    """Whether the target is the Typer application of further commands, not a function."""


COMMANDS = {
    "up": Command("backpath.cli.up:run", "Run the platform on this machine until Ctrl-C."),
    "test": Command("backpath.cli.testing:run", "Run every check and test.", True),
    "doctor": Command("backpath.cli.doctor:run", "Say what is here, what is missing, and why."),
    "check": Command("backpath.cli.check:run", "Check the lessons and the graders."),
    "grade": Command("backpath.cli.grade:run", "Grade a folder or an archive in the sandbox."),
    "bench": Command("backpath.cli.bench:app", "Measure, soak and attack.", is_group=True),
    "diagrams": Command("backpath.cli.diagrams:run", "Draw the diagrams of the lessons."),
    "images": Command("backpath.cli.images:run", "Build the grading images when they changed."),
    "lock": Command("backpath.cli.lock:run", "Pin the requirements of pyproject.toml by hash."),
}


def load(name: str) -> Any:
    """The function of a command, or the application of a group.

    Raises CommandFailed when its module is not part of this checkout.
    """
    module_name, _, function_name = COMMANDS[name].target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise CommandFailed(
            f"The command {name} is not part of this checkout.",
            "Update the checkout with git pull.",
        ) from error
    return getattr(module, function_name)


def _not_asked_for() -> None:
    raise AssertionError("only the command named on the command line is loaded")


def application(wanted: str | None) -> typer.Typer:
    """The command line with every command named and ``wanted`` alone loaded."""
    app = typer.Typer(
        help="Run, test and inspect Backpath.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in COMMANDS.items():
        if command.is_group and name == wanted:
            app.add_typer(load(name), name=name, help=command.help)
            continue
        settings = (
            {"allow_extra_args": True, "ignore_unknown_options": True}
            if command.passes_arguments_on
            else {}
        )
        function = load(name) if name == wanted else _not_asked_for
        app.command(name, help=command.help, context_settings=settings)(function)
    return app


def main() -> None:
    """Run the command of ``sys.argv``; every failure is a sentence, never a traceback."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    try:
        application(wanted)(prog_name="./dev")
    except CommandFailed as error:
        fail(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe (`./dev doctor | head`) has seen enough.
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        fail(unexpected(error))
        sys.exit(1)
