"""The ``test`` command: every check of the repository, one line each, then every test."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from backpath.cli import lock
from backpath.cli.console import CommandFailed, console, fail, note
from backpath.cli.images import prepare_sandbox
from backpath.cli.paths import PLATFORM, REPOSITORY
from backpath.cli.testing_tools import install_missing_tools

# These share something of the machine (the sandbox, a browser, a server), or
# measure time, so they run one at a time.
ALONE = ("docker", "browser", "postgres", "redis", "endtoend")
# Minutes long, and proved by a script of its own.
LEFT_OUT = "compose"
NO_TESTS_COLLECTED = 5
PARALLEL = 2
# Settings of an installation have no say in what its tests use.
INSTALLATION = ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL",
                "REDIS_URL", "EMAIL_URL", "STATIC_ROOT", "DJANGO_SUPERUSER_USERNAME",
                "DJANGO_SUPERUSER_EMAIL", "DJANGO_SUPERUSER_PASSWORD")  # fmt: skip
KEPT = (
    "BACKPATH_BASE_IMAGE",
    "BACKPATH_CACHE_DIR",
    "BACKPATH_DEBIAN_MIRROR",
    "BACKPATH_TEST_RUNTIME",
)


@dataclass(frozen=True)
class Check:
    """A named step: ``run`` returns its output, empty or not, and whether it passed."""

    name: str
    run: Callable[[], tuple[bool, str]]


@dataclass
class Results:
    """What was run so far."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def add(self, name: str, *, is_passed: bool, seconds: float) -> None:
        """Record a step and print its line."""
        (self.passed if is_passed else self.failed).append(name)
        mark = "[green]✓[/green]" if is_passed else "[red]✗[/red]"
        console.print(f"  {mark} {escape(name)} [dim]{seconds:.1f} s[/dim]")


def run(
    context: typer.Context,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run this step alone, by name (ruff, mypy, pytest …); may be repeated."),
    ] = None,
) -> None:
    """Run the checks, then pytest with whatever arguments follow.

    Exits 1 when anything failed. ``--only`` takes the first word of a step's name.
    """
    results = Results()

    def is_wanted(name: str) -> bool:
        return not only or name.split(maxsplit=1)[0] in only

    with tempfile.TemporaryDirectory(prefix="backpath-test-") as scratch:
        environment = environment_of_tests(Path(scratch))
        for check in checks(environment):
            if is_wanted(check.name):
                _run_check(check, results)
        if is_wanted("pytest"):
            can_grade = _set_up(results)
            _run_pytest(context.args, environment, results, can_grade=can_grade)
    if not results.passed and not results.failed:
        raise CommandFailed(
            "No step has that name.", "Leave --only away to see the names of all steps."
        )
    _close(results)


def environment_of_tests(scratch: Path) -> dict[str, str]:
    """The environment of checks and tests: this machine's, without its installation."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT
        or (
            not name.startswith(("BACKPATH_", "DJANGO_"))
            and name.removesuffix("_FILE") not in INSTALLATION
        )
    }
    environment["BACKPATH_DATA_DIR"] = str(scratch / "data")
    environment["PYTHONPATH"] = str(PLATFORM)
    return environment


def production_environment(environment: dict[str, str]) -> dict[str, str]:
    """Settings as a careful operator would have them, for ``check --deploy``."""
    return environment | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "backpath.example.org",
        "CSRF_TRUSTED_ORIGINS": "https://backpath.example.org",
        "BACKPATH_HTTPS": "1",
        "EMAIL_URL": "smtps://mail.example.org",
    }


# --- checks ---------------------------------------------------------------------------


def checks(environment: dict[str, str]) -> list[Check]:
    """The checks that run before the tests, in order."""
    python = sys.executable
    tools = Path(python).parent
    manage = [python, str(PLATFORM / "manage.py")]

    def program(name: str, command: Sequence[str], env: dict[str, str]) -> Check:
        return Check(name, lambda: _captured(command, env))

    return [
        program("ruff format --check", [str(tools / "ruff"), "format", "--check"], environment),
        program("ruff check", [str(tools / "ruff"), "check"], environment),
        program("mypy", [str(tools / "mypy")], environment),
        program("lint-imports", [str(tools / "lint-imports")], environment),
        Check("lock check", _locks),
        program(
            "makemigrations --check",
            [*manage, "makemigrations", "--check", "--dry-run"],
            environment,
        ),
        program(
            "check --deploy",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            production_environment(environment),
        ),
    ]


def _captured(command: Sequence[str], environment: dict[str, str]) -> tuple[bool, str]:
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.returncode == 0, done.stdout


def _locks() -> tuple[bool, str]:
    problems = lock.check()
    return not problems, "\n".join(problems)


def _run_check(check: Check, results: Results) -> None:
    began = time.monotonic()
    is_passed, output = check.run()
    results.add(check.name, is_passed=is_passed, seconds=time.monotonic() - began)
    if not is_passed:
        console.print(output.rstrip(), markup=False)


# --- tests ----------------------------------------------------------------------------


def _set_up(results: Results) -> bool:
    """Install what the tests start; false when they cannot grade."""
    began = time.monotonic()
    try:
        install_missing_tools()
        prepare_sandbox(services=True)
    except CommandFailed as failure:
        fail(failure)
        results.add("set-up of the tests", is_passed=False, seconds=time.monotonic() - began)
        return False
    results.add("set-up of the tests", is_passed=True, seconds=time.monotonic() - began)
    return True


def marker_expressions() -> tuple[str, str]:
    """pytest's ``-m`` for the tests that may run side by side, and for the others."""
    alone = " or ".join(ALONE)
    return f"not ({alone} or {LEFT_OUT})", f"({alone}) and not {LEFT_OUT}"


def _run_pytest(
    arguments: Sequence[str], environment: dict[str, str], results: Results, *, can_grade: bool
) -> None:
    if any(word.startswith("-m") for word in arguments):
        _pytest("pytest", list(arguments), environment, results, may_be_empty=False)
        return
    together, alone = marker_expressions()
    before = len(results.passed)
    parallel = ["-m", together, "-n", str(PARALLEL), "--dist", "loadfile", *arguments]
    _pytest("pytest, side by side", parallel, environment, results, may_be_empty=True)
    if not can_grade:
        note("The tests that need Docker, servers or a browser were left out.")
        return
    _pytest("pytest, one at a time", ["-m", alone, *arguments], environment, results,
            may_be_empty=len(results.passed) > before)  # fmt: skip


def _pytest(
    name: str,
    arguments: list[str],
    environment: dict[str, str],
    results: Results,
    *,
    may_be_empty: bool,
) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", *arguments]
    code = run_to_its_end(command, environment)
    is_passed = code == 0 or (may_be_empty and code == NO_TESTS_COLLECTED)
    results.add(name, is_passed=is_passed, seconds=time.monotonic() - began)


def run_to_its_end(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run pytest and return its exit code, giving it time to clean up when stopped.

    Its fixtures hold servers and containers. Ctrl-C reaches it by itself and is only
    waited for, once; SIGTERM is passed on as an interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in a shell's background; pytest would inherit that and could not be stopped.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
    is_stopping = False

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True
        process.send_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        code: int | None = None
        while code is None:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                if is_stopping:
                    process.kill()
                is_stopping = True
    finally:
        signal.signal(signal.SIGTERM, before)
    if is_stopping:
        raise KeyboardInterrupt
    return code


def _close(results: Results) -> None:
    seconds = time.monotonic() - results.started
    took = f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    if results.failed:
        console.print(f"\n[red]Failed[/red] after {took}: {escape('; '.join(results.failed))}")
        raise typer.Exit(1)
    console.print(f"\n[green]All {len(results.passed)} steps passed[/green] in {took}.")
