"""What the tests of the command line make."""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from backpath.cli.paths import PLATFORM, REPOSITORY


def make_content(folder: Path) -> dict[str, str]:
    """Empty content folders below `folder`, as the environment that names them."""
    names = {"BACKPATH_LESSONS_DIR": folder / "lessons", "BACKPATH_GRADERS_DIR": folder / "graders"}
    for path in names.values():
        path.mkdir(parents=True, exist_ok=True)
    return {name: str(path) for name, path in names.items()}


def make_environment(data: Path, **extra: str) -> dict[str, str]:
    """An environment for a command: this one, with a data directory of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BACKPATH_", "DJANGO_", "PYTEST_"))
    }
    return kept | {
        "BACKPATH_DATA_DIR": str(data),
        "STATIC_ROOT": str(data / "static"),
        "PYTHONPATH": str(PLATFORM),
        "COLUMNS": "200",
        **extra,
    }


def make_command(*words: str) -> list[str]:
    """The command line as `./dev` starts it."""
    return [sys.executable, "-P", "-m", "backpath.cli", *words]


def free_port() -> int:
    """A port of the loopback address that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def processes_with(setting: str) -> dict[int, str]:
    """Processes whose environment holds `NAME=value`, by number, with their command."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if setting.encode() in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                found[int(folder.name)] = b" ".join(words).decode(errors="replace")
        except OSError:
            continue
    return found


def make_program(folder: Path, name: str, lines: Sequence[str]) -> list[str]:
    """A Python program of these lines, as the command that runs it."""
    path = folder / f"{name}.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [sys.executable, "-u", str(path)]


def make_executable(folder: Path, name: str, script: str) -> Path:
    """A shell script on a made-up path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def make_checkout(folder: Path) -> Path:
    """The script `dev` with the lock files, and nothing else of the repository."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "dev").write_bytes((REPOSITORY / "dev").read_bytes())
    (folder / "dev").chmod(0o755)
    for lock in (REPOSITORY / "requirements").glob("*.txt"):
        (folder / "requirements" / lock.name).write_bytes(lock.read_bytes())
    return folder
