"""How long the databases of the box take to be there: `python -m tests.benchmarks.services`.

In one hardened container with one processor, as jobs have; nothing but the Docker Engine and
the image with services is needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import docker
import typer
from rich.table import Table

from backpath.cli.console import console
from backpath.cli.images import prepare_sandbox
from backpath.execution.docker_containers import APP_UID, hardening
from tests.benchmarks.summaries import summarise
from tests.benchmarks.terminal import start

INSIDE = Path(__file__).with_name("services_inside.py")
SECONDS = 300


def measure(client: docker.DockerClient, image: str, *, rounds: int) -> dict[str, Any]:
    """Return what the program inside has printed: `taken` and `memory_mb`."""
    api = client.api
    tmpfs = {
        "/services": "size=256m,nr_inodes=8192",
        "/tmp": "size=64m,nr_inodes=4096",
    }
    limits = hardening(
        uid=APP_UID, memory_mb=512, pids=128, cpus=1.0, tmpfs=tmpfs, runtime="runc"
    ) | {"log_config": docker.types.LogConfig(type="json-file")}
    command = ["/opt/backpath/venv/bin/python", "-c", INSIDE.read_text("utf-8"), str(rounds)]
    container = api.create_container(
        image=image,
        user=f"{APP_UID}:{APP_UID}",
        command=command,
        host_config=api.create_host_config(network_mode="none", **limits),
    )["Id"]
    try:
        api.start(container)
        status = api.wait(container, timeout=SECONDS)["StatusCode"]
        said = api.logs(container, stdout=True, stderr=status != 0).decode()
    finally:
        api.remove_container(container, force=True)
    if status != 0:
        raise RuntimeError(f"The program in the container ended with {status}: {said[-2000:]}")
    found: dict[str, Any] = json.loads(said)
    return found


def run(
    *, rounds: Annotated[int, typer.Option(help="How often each is measured.", min=3)] = 15
) -> None:
    """Print how long it takes until databases are there, each way."""
    image = prepare_sandbox(services=True)["app_services_image"]
    client = docker.DockerClient.from_env(timeout=SECONDS + 10)
    try:
        found = measure(client, image, rounds=rounds)
    finally:
        client.close()
    table = Table("", "ms", "CPU ms")
    for name, pairs in found["taken"].items():
        wall, cpu = zip(*pairs, strict=True)
        table.add_row(name, summarise(wall).as_text(), summarise(cpu).as_text())
    console.print(table)
    console.print(f"Memory of both at the end, with their files: {found['memory_mb']} MiB")


if __name__ == "__main__":
    start(run, name="services")
