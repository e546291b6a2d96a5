"""Side (c): one cold, hardened container a job, with the tests beside the learner's code.

What most graders do. The walls are those of the product; what it lacks is a second container.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from typing import Final

import docker

from backpath.execution.docker_engine import APP_UID, hardening

PYTHON: Final = "/opt/backpath/venv/bin/python"
LABEL: Final = "backpath.benchmark"
# One interpreter unpacks and runs the tests: nothing is started twice.
_START: Final = (
    "import io, os, sys, tarfile; "
    "tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('/work', filter='data'); "
    "os.chdir('/work'); sys.path.insert(0, '/work'); "
    "import pytest; sys.exit(pytest.main(['-q']))"
)
_STREAM_HEADER: Final = struct.Struct(">BxxxI")


class ColdContainer:
    """Runs `files` (a tar with tests) in a container of `image`, once for each call."""

    def __init__(self, *, image: str, runtime: str = "runc", timeout_seconds: int = 60) -> None:
        self._image = image
        self._runtime = runtime
        self._timeout = timeout_seconds
        self._client = docker.from_env(timeout=timeout_seconds)

    def close(self) -> None:
        """Let go of the connections to the Docker Engine."""
        self._client.close()

    @contextlib.contextmanager
    def run(self, files: bytes) -> Iterator[tuple[int, str]]:
        """Yield exit code and output; the container is removed afterwards."""
        api = self._client.api
        host = api.create_host_config(
            network_mode="none",
            **hardening(
                uid=APP_UID,
                memory_mb=512,
                pids=128,
                cpus=1.0,
                tmpfs={
                    "/work": "size=256m,nr_inodes=16384",
                    "/data": "size=128m,nr_inodes=8192",
                    "/tmp": "size=64m,nr_inodes=4096",
                },
                runtime=self._runtime,
            ),
        )
        container = str(
            api.create_container(
                image=self._image,
                command=[PYTHON, "-c", _START],
                user=f"{APP_UID}:{APP_UID}",
                environment={"HOME": "/tmp"},
                stdin_open=True,
                detach=False,
                labels={LABEL: str(os.getpid())},
                host_config=host,
            )["Id"]
        )
        try:
            attached = api.attach_socket(
                container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            with socket.socket(fileno=os.dup(attached.fileno())) as stream:
                attached._response.close()
                stream.settimeout(self._timeout)
                api.start(container)
                stream.sendall(files)
                stream.shutdown(socket.SHUT_WR)
                output = read_output(stream)
            code = int(api.wait(container)["StatusCode"])
            yield code, output
        finally:
            api.remove_container(container, force=True, v=True)


def read_output(stream: socket.socket) -> str:
    """Read standard output and error of an attached container to their end."""
    whole = bytearray()
    while chunk := stream.recv(1 << 16):
        whole += chunk
    text, position = bytearray(), 0
    while position + _STREAM_HEADER.size <= len(whole):
        _, size = _STREAM_HEADER.unpack_from(whole, position)
        position += _STREAM_HEADER.size
        text += whole[position : position + size]
        position += size
    return text.decode("utf-8", "replace")


def passed_tests(output: str) -> int:
    """The number of passed tests in the last line of pytest's output, 0 when there is none."""
    found = re.findall(r"^(\d+) passed\b", output, re.MULTILINE)
    return int(found[-1]) if found else 0


def time_run(container: ColdContainer, files: bytes, *, expected: int) -> tuple[float, float]:
    """Return seconds until the result is read, and of the removal after it.

    Raises RuntimeError when not all `expected` tests passed.
    """
    started = time.perf_counter()
    with container.run(files) as (code, output):
        decided = time.perf_counter()
        if code != 0 or passed_tests(output) != expected:
            raise RuntimeError(f"exit code {code}: {output[-2000:]}")
    return decided - started, time.perf_counter() - decided
