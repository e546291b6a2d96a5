"""The Python that a developer would run the suite with: the sandbox's packages, no sandbox.

Two of them. `host` is this machine's interpreter in a virtual environment with the very wheels of
the images. `image` is the image's own interpreter and environment, its files unpacked and entered
with chroot, which takes away that two builds of Python are not equally quick.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from backpath.cli import docker_api
from backpath.cli.commands import run
from backpath.cli.console import CommandFailed, progress
from backpath.cli.paths import REQUIREMENTS, user_cache
from backpath.execution.snippets import SnippetRunner

LOCKS: Final = (REQUIREMENTS / "sandbox-app.txt", REQUIREMENTS / "sandbox-runner.txt")
# Two builds of one Python version may differ by a third in speed: this says by how much.
CALIBRATION: Final = """\
import platform, time
def work():
    started = time.process_time()
    total, words = 0, {}
    for number in range(120_000):
        total += number * number % 7
        words[f"{number % 512}"] = words.get(f"{number % 512}", 0) + 1
    return time.process_time() - started
print(platform.python_version(), min(work() for _ in range(25)))
"""
_PYTHON_IN_IMAGE: Final = "/opt/backpath/venv/bin/python"


class Interpreter(Protocol):
    """Where projects may lie, and how Python is started in them."""

    @property
    def workspace(self) -> Path:
        """The folder of the projects."""
        ...

    def command(self, project: Path, arguments: Sequence[str]) -> list[str]:
        """Return what runs Python with `arguments` in `project`, a folder of the workspace."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the environment to run in."""
        ...


@dataclass(frozen=True)
class HostInterpreter:
    """A virtual environment of this machine."""

    python: Path
    workspace: Path

    def command(self, project: Path, arguments: Sequence[str]) -> list[str]:
        del project  # the caller starts it there
        return [str(self.python), *arguments]

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return kept | {"PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"}


@dataclass(frozen=True)
class ImageInterpreter:
    """The files of the app's image below `root`."""

    root: Path
    workspace: Path

    def command(self, project: Path, arguments: Sequence[str]) -> list[str]:
        inside = f"/{project.relative_to(self.root)}"
        # Enters the folder without another program in between.
        chroot = shutil.which("chroot") or "/usr/sbin/chroot"
        shell = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', inside]
        return [chroot, str(self.root), *shell, _PYTHON_IN_IMAGE, *arguments]

    def environment(self) -> dict[str, str]:
        return {"PATH": "/opt/backpath/venv/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}


def host_interpreter(workspace: Path) -> HostInterpreter:
    """Return the environment for this checkout's locks, made once and kept in the user's cache.

    Raises CommandFailed when it cannot be made.
    """
    locks = b"".join(lock.read_bytes() for lock in LOCKS)
    identity = hashlib.sha256(locks + sys.version.encode()).hexdigest()[:12]
    folder = user_cache() / "benchmarks" / f"venv-{identity}"
    python = folder / "bin" / "python"
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        files = [part for lock in LOCKS for part in ("--requirement", str(lock))]
        with progress("Installing the sandbox's packages for the bare runs") as step:
            problem = "The environment of the bare runs could not be made."
            run([sys.executable, "-m", "venv", "--without-pip", str(folder)], problem=problem)
            run(
                [sys.executable, "-m", "pip", "--python", str(python), "install",
                 "--require-hashes", "--no-deps", "--only-binary=:all:", "--progress-bar", "off",
                 "--disable-pip-version-check", *files],
                problem=problem,
                remedy="Check the network, pip's settings (PIP_*) and the free disk space.",
                step=step,
                env=os.environ | {"PIP_USER": "0"},
            )  # fmt: skip
        (folder / ".complete").touch()
    return HostInterpreter(python, workspace)


def image_interpreter(image: str) -> ImageInterpreter:
    """Unpack `image` below a new folder. Needs root, for chroot. Raises CommandFailed.

    The caller removes the folder `root`.
    """
    if os.geteuid() != 0:
        raise CommandFailed(
            "Only root may enter the image's files with chroot.",
            "Run this as root, or leave --interpreter image away.",
        )
    root = Path(tempfile.mkdtemp(prefix="backpath-bench-image-"))
    client = docker_api.connect(timeout_seconds=60)
    try:
        with progress(f"Unpacking {image}"), tempfile.TemporaryFile() as packed:
            container = client.api.create_container(image)["Id"]
            try:
                for chunk in client.api.export(container):
                    packed.write(chunk)
            finally:
                client.api.remove_container(container, force=True, v=True)
            packed.seek(0)
            with tarfile.open(fileobj=packed, mode="r:") as tar:
                # No devices: a run of tests needs one, which is made below.
                plain = [one for one in tar if not one.isdev()]
                tar.extractall(root, members=plain, filter="tar")
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    finally:
        client.close()
    null = root / "dev" / "null"
    null.parent.mkdir(exist_ok=True)
    if not null.is_char_device():
        null.unlink(missing_ok=True)
        os.mknod(null, 0o666 | 0o020000, os.makedev(1, 3))
    workspace = root / "projects"
    workspace.mkdir()
    return ImageInterpreter(root, workspace)


@dataclass(frozen=True)
class Build:
    """A build of Python: its version, and CPU milliseconds for a fixed piece of work."""

    version: str
    calibration_ms: float

    @classmethod
    def parse(cls, printed: str) -> Build:
        """Read what CALIBRATION prints."""
        version, seconds = printed.split()
        return cls(version, float(seconds) * 1000)


def describe(interpreter: Interpreter) -> Build:
    """Return what `interpreter` is."""
    command = interpreter.command(interpreter.workspace, ["-c", CALIBRATION])
    done = subprocess.run(
        command, env=interpreter.environment(), capture_output=True, text=True, check=True
    )
    return Build.parse(done.stdout)


def describe_image(image: str) -> Build:
    """Return what Python is in the sandbox, measured there."""
    with SnippetRunner(image=image) as runner:
        return Build.parse(runner.run_python(CALIBRATION, "calibration.py").stdout)
