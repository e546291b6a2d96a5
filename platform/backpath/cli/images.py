"""Build the grading images, and that of the platform, only when something in them changed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from backpath.cli import docker_api, services_image
from backpath.cli.build_context import digest, folder_digest, pack_context, source_files
from backpath.cli.console import CommandFailed, console, note, progress, warn
from backpath.cli.docker_api import DockerClient, is_present
from backpath.cli.docker_engine_setup import require_docker
from backpath.cli.image_base import RECIPE, source_image
from backpath.cli.paths import REPOSITORY, REQUIREMENTS
from backpath.cli.wheelhouse import pip_requirement, wheelhouse

SANDBOX = REPOSITORY / "sandbox"
IMAGES = SANDBOX / "images"
INSTALL_PACKAGES = IMAGES / "install-packages.sh"
BASE = "backpath/sandbox-base"
# On every image that is only a stage of a build, so that its remains can be told
# from those of other projects.
STAGE_LABEL = "backpath.stage"


@dataclass(frozen=True)
class BuiltImage:
    """One image: its ``repository``, Dockerfile and lock, and the ``folders`` copied into it."""

    repository: str
    recipe: Path
    lock: Path
    folders: tuple[Path, ...]

    def members(self) -> dict[str, Path]:
        """What goes into the build context besides wheels: name in it -> file here."""
        found = {
            "Dockerfile": self.recipe,
            "install-packages.sh": INSTALL_PACKAGES,
            "requirements.txt": self.lock,
        }
        for folder in self.folders:
            found |= {f"{folder.name}/{name}": path for name, path in source_files(folder)}
        return found


GRADING_IMAGES = (
    BuiltImage(
        "backpath/sandbox-app",
        IMAGES / "app" / "Dockerfile",
        REQUIREMENTS / "sandbox-app.txt",
        (SANDBOX / "wire", SANDBOX / "agent"),
    ),
    BuiltImage(
        "backpath/sandbox-runner",
        IMAGES / "runner" / "Dockerfile",
        REQUIREMENTS / "sandbox-runner.txt",
        (SANDBOX / "wire", SANDBOX / "runner"),
    ),
)
PLATFORM_IMAGE = BuiltImage(
    "backpath/platform",
    REPOSITORY / "deploy" / "Dockerfile",
    REQUIREMENTS / "runtime.txt",
    tuple(
        REPOSITORY / name
        for name in ("platform", "sandbox/protocol", "lessons", "graders", "deploy/bin")
    ),
)


def base_hash() -> str:
    """Identity of the base recipe, whatever source it is applied to."""
    return folder_digest(RECIPE)


def image_name(image: BuiltImage) -> str:
    """``repository:tag``, the tag being the identity of all that goes into the image."""

    def parts() -> Iterator[tuple[str, bytes]]:
        yield "base", base_hash().encode()
        yield "pip", pip_requirement().encode()
        for name, path in sorted(image.members().items()):
            yield name, path.read_bytes()

    return f"{image.repository}:{digest(parts())}"


def services_image_name() -> str:
    """``repository:tag`` of the app image with PostgreSQL and Redis in it."""
    return services_image.services_name(app=image_name(GRADING_IMAGES[0]), base=base_hash())


def outdated(client: DockerClient) -> list[str]:
    """Names of the images that are needed and whose present content has not been built yet."""
    names = [image_name(image) for image in GRADING_IMAGES]
    if services_image.is_asked_for(services_image.graders_folder()):
        names.append(services_image_name())
    return [name for name in names if not is_present(client, name)]


def build_images(
    client: DockerClient,
    *,
    images: tuple[BuiltImage, ...] = GRADING_IMAGES,
    rebuild: bool = False,
) -> dict[str, bool]:
    """Build what is outdated and point ``:latest`` at the images of this checkout.

    Returns the name of each image and whether it was built just now. ``rebuild``
    starts again from a fresh base. Raises CommandFailed.
    """
    for folder in (folder for image in images for folder in image.folders):
        if not any(source_files(folder)):
            raise CommandFailed(
                f"{folder.relative_to(REPOSITORY)} is missing or empty.",
                "Restore it from the repository (git checkout), then try again.",
            )
    names = {image: image_name(image) for image in images}
    todo = [image for image, name in names.items() if rebuild or not is_present(client, name)]
    base = _build_base(client, rebuild=rebuild) if todo else ""
    for image in todo:
        _build(client, image, name=names[image], base=base, rebuild=rebuild)
    for image, name in names.items():
        client.images.get(name).tag(image.repository, "latest")
    return {name: image in todo for image, name in names.items()}


def build_services(client: DockerClient, *, rebuild: bool = False) -> dict[str, bool]:
    """Build the app image with services, on the app image that :func:`build_images` has built.

    Returns its name and whether it was built just now. Raises CommandFailed.
    """
    with _engine_errors():
        name, is_new = services_image.build_services(
            client,
            app=image_name(GRADING_IMAGES[0]),
            base=base_hash(),
            base_image=lambda: _build_base(client, rebuild=False),
            rebuild=rebuild,
        )
    return {name: is_new}


def prune(client: DockerClient) -> list[str]:
    """Remove the images that earlier checkouts built, and the cache of their builds.

    Returns the names removed. An image that a container still runs from stays.
    """
    current = {image_name(image) for image in (*GRADING_IMAGES, PLATFORM_IMAGE)}
    current |= {
        f"{BASE}:{base_hash()}",
        services_image.databases_name(base=base_hash()),
        services_image_name(),
    }
    # Those that others are built on come last.
    repositories = (
        services_image.APP_SERVICES,
        *(image.repository for image in (*GRADING_IMAGES, PLATFORM_IMAGE)),
        services_image.DATABASES,
        BASE,
    )
    removed = []
    for repository in repositories:
        for tag in docker_api.tags_of(client, repository):
            if (
                tag not in current
                and not tag.endswith(":latest")
                and docker_api.remove_tag(client, tag)
            ):
                removed.append(tag)
    docker_api.remove_untagged(client, label=STAGE_LABEL)
    return removed


def prepare_sandbox(*, services: bool | None = None) -> dict[str, str]:
    """Have an engine that answers and the grading images of this very checkout.

    Returns the ``app_image``, ``runner_image`` and ``app_services_image`` to run: those,
    unless the operator named others (``BACKPATH_APP_IMAGE``, ``BACKPATH_RUNNER_IMAGE``,
    ``BACKPATH_APP_SERVICES_IMAGE``). ``:latest`` would be whatever was built last on this
    machine, by this checkout or another.

    The image with services is built when ``services`` says so; left open, when an assignment
    asks for it, and then not having it is told and stops nothing else. Raises CommandFailed.
    """
    client = require_docker()
    build_when_changed(client)
    if services:
        build_services(client)
    elif services is None and services_image.is_asked_for(services_image.graders_folder()):
        _build_services_if_possible(client)
    app, runner = GRADING_IMAGES
    return {
        "app_image": os.environ.get("BACKPATH_APP_IMAGE") or image_name(app),
        "runner_image": os.environ.get("BACKPATH_RUNNER_IMAGE") or image_name(runner),
        "app_services_image": os.environ.get("BACKPATH_APP_SERVICES_IMAGE")
        or services_image_name(),
    }


def _build_services_if_possible(client: DockerClient, *, rebuild: bool = False) -> dict[str, bool]:
    try:
        return build_services(client, rebuild=rebuild)
    except CommandFailed as failure:
        for line in failure.said.splitlines():
            note(line)
        warn(
            f"{failure.problem} Assignments with `services:` cannot be graded until it is there.",
            failure.remedy,
        )
        return {}


def build_when_changed(
    client: DockerClient,
    *,
    images: tuple[BuiltImage, ...] = GRADING_IMAGES,
    rebuild: bool = False,
) -> dict[str, bool]:
    """:func:`build_images` with the engine's own errors turned into CommandFailed."""
    with _engine_errors():
        return build_images(client, images=images, rebuild=rebuild)


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except docker_api.ENGINE_ERRORS as error:
        raise CommandFailed(
            "Docker failed while images were built.",
            "Check the free disk space and Docker's log, then run ./dev images.",
            said=str(error),
        ) from error


def _build_base(client: DockerClient, *, rebuild: bool) -> str:
    name = f"{BASE}:{base_hash()}"
    if not rebuild and is_present(client, name):
        return name
    source = source_image(client, refresh=rebuild)
    with progress(f"Building {name}") as step:
        context = pack_context(dict(source_files(RECIPE)))
        docker_api.build(context, tag=name, arguments={"SOURCE": source}, fresh=rebuild, step=step)
    return name


def _build(client: DockerClient, image: BuiltImage, *, name: str, base: str, rebuild: bool) -> None:
    wheels = wheelhouse(image.lock, architecture=client.info()["Architecture"])
    with progress(f"Building {name}") as step:
        members = image.members()
        members |= {f"wheels/{path.name}": path for path in sorted(wheels.glob("*.whl"))}
        context = pack_context(members)
        docker_api.build(context, tag=name, arguments={"BASE": base}, fresh=rebuild, step=step)


def run(
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build again from a fresh base, unchanged or not.")
    ] = False,
    platform: Annotated[
        bool, typer.Option("--platform", help="Build the image for docker compose as well.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--prune", help="Then remove the images of earlier checkouts.")
    ] = False,
) -> None:
    """The ``images`` command: build what changed and name what there is."""
    client = require_docker()
    images = (*GRADING_IMAGES, PLATFORM_IMAGE) if platform else GRADING_IMAGES
    _print_images(client, build_when_changed(client, images=images, rebuild=rebuild))
    is_asked_for = services_image.is_asked_for(services_image.graders_folder())
    build = build_services if is_asked_for else _build_services_if_possible
    _print_images(client, build(client, rebuild=rebuild))
    if clean:
        for name in prune(client):
            console.print(f"  {name}  removed")


def _print_images(client: DockerClient, built: dict[str, bool]) -> None:
    for name, is_new in built.items():
        found = client.images.get(name)
        state = "built" if is_new else "up to date"
        size = found.attrs["Size"] / 1_000_000
        console.print(f"  {name}  {found.short_id}  {size:.0f} MB  {state}")
