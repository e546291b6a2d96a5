"""Install distribution packages on Debian and Ubuntu."""

import shutil
from contextlib import suppress

from backpath.cli.commands import as_root, authorise, run
from backpath.cli.console import CommandFailed, progress

_updated = False


def install(*packages: str, purpose: str) -> None:
    """Install packages with apt-get; ``purpose`` completes "… is needed to <purpose>".

    Raises CommandFailed when apt-get is missing, refused or fails.
    """
    global _updated
    wanted = ", ".join(packages)
    if shutil.which("apt-get") is None:
        raise CommandFailed(
            f"{wanted} is needed to {purpose}, and this system has no apt-get to install it.",
            f"Install {wanted} with your system's package manager, then run this again.",
        )
    env = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"}
    prefix = as_root(["env", *(f"{key}={value}" for key, value in env.items()), "apt-get"])
    authorise()
    with progress(f"Installing {wanted}") as step:
        remedy = f"Install {wanted} yourself (apt-get install {' '.join(packages)}) and try again."
        if not _updated:
            # One dead third-party source must not stop an installation that
            # the other sources can serve.
            with suppress(CommandFailed):
                run(
                    [*prefix, "-o", "DPkg::Lock::Timeout=120", "update"],
                    problem="The list of packages could not be updated.",
                    step=step,
                )
            _updated = True
        run(
            [*prefix, "-o", "DPkg::Lock::Timeout=120", "install", "--yes",
             "--no-install-recommends", *packages],
            problem=f"{wanted} could not be installed.",
            remedy=remedy,
            step=step,
        )  # fmt: skip
