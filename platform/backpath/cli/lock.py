"""Pin the requirements of ``pyproject.toml`` with hashes, and notice when that is due.

Each lock says in its first line what it was made from, so that a stale lock, or
one changed by hand, is found without a network.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from backpath.cli.commands import run as run_program
from backpath.cli.console import CommandFailed, console, progress
from backpath.cli.paths import REPOSITORY, REQUIREMENTS

FIRST_LINE = re.compile(r"\A# Made by ./dev lock: inputs=([0-9a-f]{16}) content=([0-9a-f]{16})\n")


@dataclass(frozen=True)
class Lock:
    """One lock file: the ``group`` it pins (None for the project's own dependencies)."""

    name: str
    group: str | None
    python: str
    constrained_by: str | None = None

    @property
    def path(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"


LOCKS = (
    Lock("bootstrap", "bootstrap", "3.8"),
    Lock("runtime", None, "3.12"),
    Lock("dev", "dev", "3.12", constrained_by="runtime"),
    Lock("sandbox-app", "sandbox-app", "3.13"),
    Lock("sandbox-runner", "sandbox-runner", "3.13"),
)


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def inputs_hash(lock: Lock, project: dict[str, Any]) -> str:
    """Identity of what a lock is made from; ``project`` is pyproject.toml as parsed."""

    def wanted(one: Lock) -> list[str]:
        if one.group is None:
            return sorted(project["project"]["dependencies"])
        return sorted(project["dependency-groups"][one.group])

    inputs: dict[str, Any] = {"wanted": wanted(lock), "python": lock.python}
    if lock.constrained_by:
        base = next(one for one in LOCKS if one.name == lock.constrained_by)
        inputs["constrained_by"] = wanted(base)
    return _short(json.dumps(inputs, sort_keys=True).encode())


def stale(lock: Lock, text: str, project: dict[str, Any]) -> str:
    """Why a lock file's text cannot be trusted, as half a sentence; empty when it can."""
    match = FIRST_LINE.match(text)
    if match is None:
        return "does not say what it was made from"
    inputs, content = match.groups()
    if content != _short(text[match.end() :].encode()):
        return "was changed by hand"
    if inputs != inputs_hash(lock, project):
        return "is older than what pyproject.toml asks for"
    return ""


def check() -> list[str]:
    """One sentence for each lock that has to be made again. Needs no network."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    problems = []
    for lock in LOCKS:
        text = lock.path.read_text(encoding="utf-8") if lock.path.is_file() else ""
        reason = stale(lock, text, project) if text else "is missing"
        if reason:
            problems.append(f"{lock.path.relative_to(REPOSITORY)} {reason}; run ./dev lock.")
    return problems


def find_uv() -> str:
    """Path of the uv that ``./dev`` installed, or of the one on the path."""
    own = REPOSITORY / ".cache" / "bootstrap" / "bin" / "uv"
    found = os.environ.get("BACKPATH_UV") or (str(own) if own.exists() else shutil.which("uv"))
    if not found:
        raise CommandFailed("uv is not here.", "Run this as ./dev lock, which installs uv.")
    return found


def make(lock: Lock, *, upgrade: bool) -> None:
    """Resolve one lock and write it, keeping the versions it has unless ``upgrade``.

    Raises CommandFailed when the resolver finds no solution.
    """
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    source = ["pyproject.toml"] if lock.group is None else ["--group", lock.group]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        if lock.path.is_file() and not upgrade:
            shutil.copyfile(lock.path, output)
        command = [find_uv(), "pip", "compile", *source, "--universal", "--generate-hashes",
                   "--python-version", lock.python, "--prerelease", "disallow", "--no-header",
                   "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--quiet",
                   "--output-file", str(output)]  # fmt: skip
        if lock.constrained_by:
            command += ["--constraints", f"requirements/{lock.constrained_by}.txt"]
        with progress(f"Locking {lock.path.relative_to(REPOSITORY)}") as step:
            run_program(
                ["env", "-C", str(REPOSITORY), *command],
                problem=f"No set of versions satisfies {lock.path.name}.",
                remedy="Loosen the bounds in pyproject.toml, or check the network.",
                step=step,
            )
        body = output.read_text(encoding="utf-8")
    first = f"# Made by ./dev lock: inputs={inputs_hash(lock, project)} "
    first += f"content={_short(body.encode())}\n"
    lock.path.write_text(first + body, encoding="utf-8")


def run(
    *,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest versions that fit.")
    ] = False,
    only_check: Annotated[
        bool, typer.Option("--check", help="Say whether a lock is out of date; change nothing.")
    ] = False,
) -> None:
    """The ``lock`` command."""
    if not only_check:
        for lock in LOCKS:
            make(lock, upgrade=upgrade)
    problems = check()
    for problem in problems:
        console.print(f"  {problem}", markup=False)
    if problems:
        raise typer.Exit(1)
    console.print("  Every lock is up to date.")
