"""The programs that the tests start besides Python: servers and a browser."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backpath.cli import apt
from backpath.cli.commands import run, system_program
from backpath.cli.console import CommandFailed, progress
from backpath.cli.paths import user_cache

POSTGRES_FOLDERS = Path("/usr/lib/postgresql")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Tool:
    """A program the tests need: the Debian ``package`` it is in, and how it is found."""

    name: str
    package: str
    find: Callable[[], str | None]


def postgres_folder() -> str | None:
    """Folder of the newest installed PostgreSQL server's programs (initdb, postgres)."""
    if (found := system_program("initdb")) is not None:
        return str(Path(found).parent)
    versions = [folder for folder in POSTGRES_FOLDERS.glob("*/bin") if (folder / "initdb").exists()]
    newest = max(versions, key=lambda folder: float(folder.parent.name), default=None)
    return str(newest) if newest else None


def browser() -> str | None:
    """Path of a Chromium that starts without a display of its own."""
    for name in BROWSERS:
        found = shutil.which(name)
        # Ubuntu's package of that name is a stub that only points to a snap.
        if found and not _is_snap_stub(Path(found)):
            return found
    downloads = Path(
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or user_cache().parent / "ms-playwright"
    )
    return next(
        (str(path) for path in sorted(downloads.glob("chromium*/*/chrome*")) if path.is_file()),
        None,
    )


def _is_snap_stub(path: Path) -> bool:
    if Path("/snap/bin").joinpath(path.name).exists():
        return False
    with path.open("rb") as file:
        start = file.read(4096)
    return start.startswith(b"#!") and b"snap" in start and b"/snap/bin" in start


TOOLS = (
    Tool("Redis", "redis-server", lambda: system_program("redis-server")),
    Tool("PostgreSQL", "postgresql", postgres_folder),
    Tool("Chromium", "chromium", browser),
    Tool("Git", "git", lambda: shutil.which("git")),
)


def missing_tools() -> list[Tool]:
    """The tools that are not on this machine."""
    return [tool for tool in TOOLS if tool.find() is None]


def install_missing_tools() -> None:
    """Install what is missing. Raises CommandFailed with the remedy when that fails."""
    missing = missing_tools()
    packages = [tool.package for tool in missing if tool.package != "chromium"]
    if packages:
        apt.install(*packages, purpose="run the tests")
    if any(tool.package == "chromium" for tool in missing):
        _install_browser()
    if still := missing_tools():
        names = ", ".join(tool.name for tool in still)
        raise CommandFailed(
            f"The tests need {names}, which could not be installed.",
            f"Install {', '.join(tool.package for tool in still)} yourself, then run this again.",
        )


def _install_browser() -> None:
    try:
        apt.install("chromium", purpose="run the browser tests")
    except CommandFailed:
        if browser() is None:
            _download_browser()
        return
    if browser() is None:
        _download_browser()


def _download_browser() -> None:
    """Playwright's own Chromium, where the distribution's is a snap or absent."""
    with progress("Downloading Chromium") as step:
        run(
            [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"],
            problem="Chromium could not be installed, neither by apt-get nor by Playwright.",
            remedy="Install Chromium yourself, or leave its tests out: ./dev test -m 'not browser'",
            step=step,
        )  # fmt: skip
