"""What has to be true before the platform can run, each with a sentence and a remedy."""

import errno
import os
import shutil
import socket
from pathlib import Path

from backpath.cli.console import CommandFailed

MINIMUM_FREE_BYTES = 3 * 10**9


def require_free_port(host: str, port: int) -> None:
    """Raises CommandFailed when the address cannot be listened on, and says why."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CommandFailed(
            f"{host} is not an address of this machine.",
            "Choose another with --host (127.0.0.1 for this machine alone, 0.0.0.0 for all).",
        ) from error
    with socket.socket(family, kind, protocol) as probe:
        # As the server does it: a connection that is only closing does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError as error:
            raise CommandFailed(
                f"Port {port} may only be used by root.",
                "Choose another one: ./dev up --port 8000",
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandFailed(
                    f"Port {port} on {host} is in use by another program.",
                    f"Choose another one: ./dev up --port {_free_port(host, port)}",
                ) from error
            raise CommandFailed(
                f"{host} is not an address of this machine.",
                "Choose another with --host (127.0.0.1 for this machine alone, 0.0.0.0 for all).",
            ) from error


def _free_port(host: str, port: int) -> int:
    for candidate in range(port + 1, min(port + 100, 65_536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return 0


def require_data_directory(folder: Path) -> None:
    """Make the data directory. Raises CommandFailed when it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(
            f"The data directory {folder} cannot be made: {error.strerror}.",
            "Set BACKPATH_DATA_DIR to a folder that this user may write.",
        ) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise CommandFailed(
            f"The data directory {folder} cannot be written by this user.",
            "Change its owner, or set BACKPATH_DATA_DIR to another folder.",
        )


def free_bytes(folder: Path) -> int:
    """Free space where the folder is or would be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_free_space(folder: Path, free: int) -> None:
    """Raises CommandFailed when ``free`` bytes are too few to run on."""
    if free < MINIMUM_FREE_BYTES:
        raise CommandFailed(
            f"Only {free / 10**9:.1f} GB are free on the disk of {folder}; "
            f"{MINIMUM_FREE_BYTES / 10**9:.0f} GB are needed.",
            "Free some space (docker system df shows what Docker holds), "
            "or set BACKPATH_DATA_DIR to a folder on another disk.",
        )
