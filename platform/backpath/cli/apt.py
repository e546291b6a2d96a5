"""Install distribution packages on Debian and Ubuntu."""

import functools
import shutil
from contextlib import suppress
from pathlib import Path

from backpath.cli.commands import as_root, authorise, run
from backpath.cli.console import CommandFailed, progress

SYSTEMD_IS_RUNNING = Path("/run/systemd/system")


def _apt_get() -> list[str]:
    settings = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=a"]
    if not SYSTEMD_IS_RUNNING.is_dir():
        # Without an init a package's attempt to start its service can fail and
        # leave it half-installed; a halt runlevel makes it not even try.
        settings.append("RUNLEVEL=0")
    return as_root(["env", *settings, "apt-get", "-o", "DPkg::Lock::Timeout=120"])


@functools.cache
def _update() -> None:
    # One dead third-party source must not stop an installation that the
    # other sources can serve.
    with suppress(CommandFailed):
        run([*_apt_get(), "update"], problem="The list of packages could not be updated.")


def install(*packages: str, purpose: str) -> None:
    """Install packages with apt-get; ``purpose`` completes "… is needed to <purpose>".

    Raises CommandFailed when apt-get is missing, refused or fails.
    """
    wanted = ", ".join(packages)
    if shutil.which("apt-get") is None:
        raise CommandFailed(
            f"{wanted} is needed to {purpose}, and this system has no apt-get to install it.",
            f"Install {wanted} with your system's package manager, then run this again.",
        )
    authorise()
    with progress(f"Installing {wanted}") as step:
        step.detail = "updating the list of packages"
        _update()
        run(
            [*_apt_get(), "install", "--yes", "--no-install-recommends", *packages],
            problem=f"{wanted} is needed to {purpose}, and apt-get could not install it.",
            remedy=f"Run apt-get install {' '.join(packages)} yourself, then this again.",
            step=step,
        )
