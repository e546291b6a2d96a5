"""A folder of hash-checked wheels for the grading images, made on the host.

Images are built without a network, so the wheels are downloaded here, for the
Python and platform of the image rather than of the host, and go in with the
build context.
"""

import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path

from backpath.cli.commands import run
from backpath.cli.console import CommandFailed, progress
from backpath.cli.paths import REQUIREMENTS, user_cache

PYTHON = "3.13"
# Every glibc baseline up to that of the oldest base image; pip takes them literally.
MANYLINUX = (*(f"manylinux_2_{minor}" for minor in range(36, 4, -1)),
             "manylinux2014", "manylinux2010", "manylinux1")  # fmt: skip


def requirement_block(lock: str, package: str) -> str:
    """The lines of one package, with its hashes, out of a lock file's text.

    Raises KeyError when the lock does not name the package.
    """
    match = re.search(rf"^{re.escape(package)}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if match is None:
        raise KeyError(package)
    return match.group().rstrip() + "\n"


def pip_requirement() -> str:
    """The pinned pip that installs the wheels inside the image."""
    return requirement_block((REQUIREMENTS / "runtime.txt").read_text(), "pip")


def wheelhouse(lock: Path, *, architecture: str) -> Path:
    """Folder with the wheels of a lock file and of pip.

    Made once per lock and architecture (``x86_64``, ``aarch64``) and kept in the
    user's cache. Raises CommandFailed when a wheel is missing or has another hash.
    """
    pip = pip_requirement()
    digest = hashlib.sha256(lock.read_bytes() + pip.encode()).hexdigest()[:12]
    parent = user_cache() / "wheels"
    folder = parent / f"{lock.stem}-{PYTHON}-{architecture}-{digest}"
    if folder.is_dir():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".new-") as temporary:
        target = Path(temporary) / "wheels"
        wanted = Path(temporary) / "pip.txt"
        wanted.write_text(pip)
        _download(target, [lock, wanted], title=f"wheels of {lock.name}", arch=architecture)
        try:
            target.rename(folder)
        except OSError:
            # Somebody else finished the same wheels meanwhile.
            if not folder.is_dir():
                raise
    return folder


def _download(target: Path, locks: list[Path], *, title: str, arch: str) -> None:
    platforms = [part for tag in MANYLINUX for part in ("--platform", f"{tag}_{arch}")]
    files = [part for lock in locks for part in ("--requirement", str(lock))]
    command = [
        sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps",
        "--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp",
        *platforms, "--dest", str(target), "--progress-bar", "off",
        "--disable-pip-version-check", *files,
    ]  # fmt: skip
    with progress(f"Downloading the {title}") as step:
        run(
            command,
            problem=f"The {title} could not be downloaded.",
            remedy="Check the network, pip's settings (PIP_*) and the free disk space, then retry.",
            step=step,
            # A user-wide installation scheme is refused inside an environment.
            env=os.environ | {"PIP_USER": "0"},
        )
    if not any(target.glob("*.whl")):
        raise CommandFailed(f"pip reported success but left no {title}.", "Run the command again.")
