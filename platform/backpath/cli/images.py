"""Build the two grading images, and that of the platform, only when something in them changed."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from backpath.cli import docker_api
from backpath.cli.console import CommandFailed, console, progress
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


def source_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of a folder that belong in an image, as (relative name, path), sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(folder).as_posix(), path


def _digest(parts: Iterator[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()[:12]


def base_hash() -> str:
    """Identity of the base recipe, whatever source it is applied to."""
    return _digest((name, path.read_bytes()) for name, path in source_files(RECIPE))


def image_name(image: BuiltImage) -> str:
    """``repository:tag``, the tag being the identity of all that goes into the image."""

    def parts() -> Iterator[tuple[str, bytes]]:
        yield "base", base_hash().encode()
        yield "pip", pip_requirement().encode()
        for name, path in sorted(image.members().items()):
            yield name, path.read_bytes()

    return f"{image.repository}:{_digest(parts())}"


def outdated(client: DockerClient) -> list[str]:
    """Names of the images whose present content has not been built yet."""
    names = [image_name(image) for image in GRADING_IMAGES]
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


def prune(client: DockerClient) -> list[str]:
    """Remove the images that earlier checkouts built, and the cache of their builds.

    Returns the names removed. An image that a container still runs from stays.
    """
    current = {image_name(image) for image in (*GRADING_IMAGES, PLATFORM_IMAGE)}
    current.add(f"{BASE}:{base_hash()}")
    removed = []
    for repository in (BASE, *(image.repository for image in (*GRADING_IMAGES, PLATFORM_IMAGE))):
        for tag in docker_api.tags_of(client, repository):
            if (
                tag not in current
                and not tag.endswith(":latest")
                and docker_api.remove_tag(client, tag)
            ):
                removed.append(tag)
    docker_api.remove_untagged(client, label=STAGE_LABEL)
    return removed


def prepare_sandbox() -> dict[str, str]:
    """Have an engine that answers and the grading images of this very checkout.

    Returns the ``app_image`` and ``runner_image`` to run: those, unless the operator
    named others (``BACKPATH_APP_IMAGE``, ``BACKPATH_RUNNER_IMAGE``). ``:latest`` would be
    whatever was built last on this machine, by this checkout or another. Raises
    CommandFailed.
    """
    build_when_changed(require_docker())
    app, runner = GRADING_IMAGES
    return {
        "app_image": os.environ.get("BACKPATH_APP_IMAGE") or image_name(app),
        "runner_image": os.environ.get("BACKPATH_RUNNER_IMAGE") or image_name(runner),
    }


def build_when_changed(
    client: DockerClient,
    *,
    images: tuple[BuiltImage, ...] = GRADING_IMAGES,
    rebuild: bool = False,
) -> dict[str, bool]:
    """:func:`build_images` with the engine's own errors turned into CommandFailed."""
    try:
        return build_images(client, images=images, rebuild=rebuild)
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


def pack_context(members: dict[str, Path]) -> io.BytesIO:
    """A build context as a tar: the same bytes in, the same tar out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size = members[name].stat().st_size
            entry.mode = 0o644
            with members[name].open("rb") as content:
                tar.addfile(entry, content)
    packed.seek(0)
    return packed


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
    for name, is_new in build_when_changed(client, images=images, rebuild=rebuild).items():
        found = client.images.get(name)
        state = "built" if is_new else "up to date"
        size = found.attrs["Size"] / 1_000_000
        console.print(f"  {name}  {found.short_id}  {size:.0f} MB  {state}")
    if clean:
        for name in prune(client):
            console.print(f"  {name}  removed")
