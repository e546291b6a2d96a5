"""The app image with PostgreSQL and Redis in it, for assignments that ask for them.

Two steps, so that a change to the agent fetches no packages again: an image that holds the
servers alone (``sandbox/images/databases``), and the app image with these files added
(``sandbox/images/app-services``).
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from backpath.cli import docker_api
from backpath.cli.build_context import digest, folder_digest, pack_context, source_files
from backpath.cli.console import CommandFailed, progress
from backpath.cli.docker_api import DockerClient, is_present
from backpath.cli.image_base import proxies
from backpath.cli.paths import REPOSITORY

DATABASES_RECIPE = REPOSITORY / "sandbox" / "images" / "databases"
SERVICES_RECIPE = REPOSITORY / "sandbox" / "images" / "app-services"
DATABASES = "backpath/sandbox-databases"
APP_SERVICES = "backpath/sandbox-app-services"
_ASKS = re.compile(r"^services:", re.MULTILINE)


def graders_folder() -> Path:
    """Where the assignments are (``BACKPATH_GRADERS_DIR`` moves them)."""
    chosen = os.environ.get("BACKPATH_GRADERS_DIR")
    return Path(chosen).expanduser() if chosen else REPOSITORY / "graders"


def is_asked_for(graders: Path) -> bool:
    """Whether an assignment in this folder asks for services, so that the image is needed."""
    return any(
        _ASKS.search(path.read_text(encoding="utf-8", errors="replace"))
        for path in graders.glob("*/assignment.yaml")
    )


def databases_name(*, base: str) -> str:
    """``repository:tag`` of the image of the servers; ``base`` identifies the base's recipe."""
    parts = [("base", base), ("recipe", folder_digest(DATABASES_RECIPE))]
    return f"{DATABASES}:{digest((name, part.encode()) for name, part in parts)}"


def services_name(*, app: str, base: str) -> str:
    """``repository:tag`` of the app image with services; ``app`` is the name of that without."""
    parts = [("app", app), ("databases", databases_name(base=base)),
             ("recipe", folder_digest(SERVICES_RECIPE))]  # fmt: skip
    return f"{APP_SERVICES}:{digest((name, part.encode()) for name, part in parts)}"


def build_services(
    client: DockerClient,
    *,
    app: str,
    base: str,
    base_image: Callable[[], str],
    rebuild: bool = False,
) -> tuple[str, bool]:
    """Build what is outdated and point ``:latest`` at it; the app image must be there.

    ``base_image`` returns the name of the base, which it may have to build. Returns the name
    of the image and whether it was built just now. Raises CommandFailed, which says what
    could not be fetched, or one of ENGINE_ERRORS.
    """
    name = services_name(app=app, base=base)
    is_outdated = rebuild or not is_present(client, name)
    if is_outdated:
        databases = databases_name(base=base)
        if rebuild or not is_present(client, databases):
            _build_databases(databases, base_image=base_image(), fresh=rebuild)
        with progress(f"Building {name}") as step:
            docker_api.build(
                pack_context(dict(source_files(SERVICES_RECIPE))), tag=name,
                arguments={"APP": app, "DATABASES": databases}, fresh=rebuild, step=step,
            )  # fmt: skip
    client.images.get(name).tag(APP_SERVICES, "latest")
    return name, is_outdated


def _build_databases(name: str, *, base_image: str, fresh: bool) -> None:
    arguments = {"BASE": base_image, "MIRROR": os.environ.get("BACKPATH_DEBIAN_MIRROR", "")}
    try:
        with progress(f"Building {name}") as step:
            docker_api.build(
                pack_context(dict(source_files(DATABASES_RECIPE))), tag=name,
                arguments=arguments | proxies(), fresh=fresh, step=step,
                # A proxy or a name server on this machine's loopback interface is reached too.
                network="host",
            )  # fmt: skip
    except CommandFailed as failure:
        raise CommandFailed(
            "The image with PostgreSQL and Redis could not be built.",
            "The lines above say what is missing. Check that Docker's builds reach a Debian "
            "mirror, or set BACKPATH_DEBIAN_MIRROR, then run ./dev images. "
            "Assignments without `services:` do not need this image.",
            said=failure.said,
        ) from failure
