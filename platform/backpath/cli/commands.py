"""Run other programs: as root where needed, with their last words kept for the failure."""

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from backpath.cli.console import CommandFailed, Step

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


def system_program(name: str) -> str | None:
    """Path of a program, looking where administrators' programs live too."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}")


def as_root(command: Sequence[str]) -> list[str]:
    """The command prefixed so that it runs as root.

    Raises CommandFailed when the caller is not root and there is no sudo.
    """
    if os.geteuid() == 0:
        return list(command)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise CommandFailed(
            f"{Path(command[0]).name} has to run as root, and there is no sudo here.",
            "Run ./dev as root once, or install sudo and give your user the right to use it.",
        )
    return [sudo, *command]


def authorise() -> None:
    """Ask for the sudo password now, before a spinner hides the question."""
    if os.geteuid() == 0:
        return
    if subprocess.run(as_root(["true"]), check=False).returncode != 0:
        raise CommandFailed(
            "sudo did not let this user run commands as root.",
            "Run ./dev as root once, or ask an administrator for the right to use sudo.",
        )


def run(
    command: Sequence[str],
    *,
    problem: str,
    remedy: str = "",
    step: Step | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return its merged output.

    Each line becomes the step's detail. Raises CommandFailed with ``problem``
    and the last lines of output when it cannot be started or exits non-zero.
    """
    tail: deque[str] = deque(maxlen=400)
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(env) if env is not None else None,
        )
    except OSError as error:
        raise CommandFailed(problem, remedy, said=f"{command[0]}: {error.strerror}") from error
    with process:
        for line in process.stdout or ():
            tail.append(line.rstrip())
            if step is not None and line.strip():
                step.detail = line.strip()
    if process.returncode != 0:
        said = "\n".join(line for line in list(tail)[-8:] if line.strip())
        raise CommandFailed(problem, remedy, said=said)
    return "\n".join(tail)
