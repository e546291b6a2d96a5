"""`./dev bench`: everything that measures, and everything that runs for long.

All but `references` are programs of the tests, which the platform does not import: they are
started in the place of this process, by the same interpreter.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from backpath.cli import bench_references
from backpath.cli.console import CommandFailed
from backpath.cli.paths import REPOSITORY

# Where the tests find what they share, as in pyproject.toml.
SOURCES = ("platform", "sandbox", "sandbox/runner", "")
PROGRAMS = {
    "sandbox": (
        "tests.benchmarks.sandbox",
        "Compare the sandbox with bare pytest and with a cold container.",
    ),
    "soak": ("tests.benchmarks.soak", "Grade thousands of jobs in a row and look for leaks."),
    "attacks": (
        "tests.sandbox.attacks.soak",
        "Run the attack pack again and again, in random order, among honest jobs.",
    ),
    "fuzz": ("tests.benchmarks.fuzz", "Fuzz the readers of frames, results and archives."),
}

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command("references", help="Time the gradings of an assignment's reference solutions.")(
    bench_references.run
)


def module_exists(module: str, *, root: Path = REPOSITORY) -> bool:
    """Whether the program's file is there; its packages are not imported."""
    path = root / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def become(module: str, arguments: list[str]) -> None:
    """Turn this process into the program, so that signals and exit codes are its own.

    Raises CommandFailed when it is not part of this checkout.
    """
    if not module_exists(module):
        raise CommandFailed(
            f"The program {module} is not part of this checkout.",
            "Update the checkout with git pull.",
        )
    sources = os.pathsep.join(str(REPOSITORY / source) for source in SOURCES)
    environment = os.environ | {"PYTHONPATH": sources}
    sys.stdout.flush()
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606 - a program of our own, without a shell


def _command_of(module: str) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        become(module, context.args)

    return run


for _name, (_module, _help) in PROGRAMS.items():
    app.command(
        _name,
        help=_help,
        # The program has its own --help.
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "help_option_names": [],
        },
    )(_command_of(_module))
