"""The Docker Engine as the command line needs it: answering, pulling, importing, building."""

import io
import os
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
import requests

from backpath.cli.console import CommandFailed, Step

DockerClient = docker.DockerClient
ENGINE_ERRORS = (docker.errors.DockerException, requests.RequestException)
DEFAULT_HOST = "unix:///var/run/docker.sock"
ANSWER_SECONDS = 10
PROBE_SECONDS = 8
PULL_IDLE_SECONDS = 60
BUILD_IDLE_SECONDS = 900
# The engine paints what a build writes to standard error.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def connect(*, timeout_seconds: int = ANSWER_SECONDS) -> DockerClient:
    """A client of the engine that answers at ``DOCKER_HOST`` or the usual socket.

    Raises one of ENGINE_ERRORS.
    """
    _require_listener(os.environ.get("DOCKER_HOST") or DEFAULT_HOST)
    client = docker.from_env(timeout=timeout_seconds)
    try:
        client.ping()
    except BaseException:
        client.close()
        raise
    return client


def _require_listener(host: str) -> None:
    """Raises DockerException when nobody listens at ``unix://…`` or ``tcp://…``.

    The client asks for the version while it is made, and leaks its connections
    when that fails.
    """
    parts = urlsplit(host)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(parts.path)
        elif parts.scheme in {"tcp", "http", "https"} and parts.hostname:
            where = (parts.hostname, parts.port or 2375)
            socket.create_connection(where, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise docker.errors.DockerException(f"{host}: {error.strerror or error}") from error


def is_present(client: DockerClient, name: str) -> bool:
    """Whether the engine holds an image of that name."""
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def registry_answers(name: str) -> bool:
    """Whether the image's registry tells its digest within a few seconds."""
    probe = docker.from_env(timeout=PROBE_SECONDS)
    try:
        probe.api.inspect_distribution(name)  # type: ignore[no-untyped-call]  # the SDK's function has no types
    except ENGINE_ERRORS:
        return False
    finally:
        probe.close()
    return True


def pull(name: str, *, step: Step) -> None:
    """Pull an image. Raises CommandFailed or one of ENGINE_ERRORS."""
    client = docker.from_env(timeout=PULL_IDLE_SECONDS)
    try:
        for line in client.api.pull(name, stream=True, decode=True):
            _refuse_error(line, problem=f"{name} could not be pulled.")
            step.detail = f"{line.get('status', '')} {line.get('progress', '')}".strip()
    finally:
        client.close()


def import_tarball(client: DockerClient, tarball: Path, *, name: str) -> None:
    """Make an image of one layer from a packed file system."""
    repository, _, tag = name.partition(":")
    client.api.import_image_from_file(str(tarball), repository=repository, tag=tag)


def remove_tag(client: DockerClient, tag: str) -> bool:
    """Remove an image's tag; false when a container still runs from it."""
    try:
        client.images.remove(tag)
    except docker.errors.APIError:
        return False
    return True


def tags_of(client: DockerClient, repository: str) -> list[str]:
    """Every ``repository:tag`` of a repository."""
    return [
        tag
        for image in client.images.list(name=repository)
        for tag in image.tags
        if tag.startswith(f"{repository}:")
    ]


def remove_untagged(client: DockerClient, *, label: str) -> None:
    """Remove the images with this label that have no name and nothing built on them."""
    client.images.prune(filters={"dangling": True, "label": label})


def build(
    context: io.BytesIO,
    *,
    tag: str,
    arguments: dict[str, str],
    fresh: bool,
    step: Step,
    network: str = "none",
) -> None:
    """Build an image from a packed context, without a network unless ``network`` names one.

    ``fresh`` ignores the engine's build cache. Raises CommandFailed with the
    build's last words, or one of ENGINE_ERRORS.
    """
    client = docker.from_env(timeout=BUILD_IDLE_SECONDS)
    said: list[str] = []
    try:
        for line in client.api.build(
            fileobj=context, custom_context=True, tag=tag, buildargs=arguments, nocache=fresh,
            rm=True, forcerm=True, network_mode=network, decode=True,
        ):  # fmt: skip
            _refuse_error(
                line,
                problem=f"{tag} could not be built.",
                remedy="Check the free disk space, then run ./dev images --rebuild.",
                said=said,
            )
            text = _COLOUR.sub("", str(line.get("stream", ""))).strip()
            if text:
                said.append(text)
                step.detail = text.splitlines()[0]
    finally:
        client.close()


def _refuse_error(
    line: dict[str, Any], *, problem: str, remedy: str = "", said: list[str] | None = None
) -> None:
    if "error" in line:
        raise CommandFailed(
            problem, remedy, said="\n".join([*(said or [])[-8:], str(line["error"]).strip()])
        )
