"""Run a lesson's code in a container of the application image: no network, thrown away.

Snippets come from authors, but a pull request is a stranger's code until it was read. They
get the same walls as a learner's service.
"""

import os
import re
import uuid
from dataclasses import dataclass
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions

from backpath.execution.docker_containers import (
    APP_UID,
    LABEL_ROLE,
    SandboxUnavailable,
    hardening,
)

PYTHON: Final = "/opt/backpath/venv/bin/python"
DEADLINE_SECONDS: Final = 30
OUTPUT_LIMIT: Final = 64 * 1024
_API_SECONDS: Final = 60
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}\.py")
# The code arrives as an environment variable: nothing of the host is mounted.
_START: Final = (
    "import os, signal, sys; path = '/snippet/' + os.environ['SNIPPET_NAME'];"
    "open(path, 'w', encoding='utf-8').write(os.environ['SNIPPET']);"
    "[os.environ.pop(name) for name in ('SNIPPET', 'SNIPPET_NAME')];"
    # Ends the snippet even when whoever started it is gone.
    f"os.chdir('/snippet'); signal.alarm({DEADLINE_SECONDS + 10});"
    "os.execv(sys.executable, [sys.executable, path])"
)


@dataclass(frozen=True)
class CompletedSnippet:
    """How a snippet ended. `exit_code` is None when it ran out of time."""

    exit_code: int | None
    stdout: str
    stderr: str


class SnippetRunner:
    """Runs snippets, one fresh container each. Use as a context manager."""

    def __init__(self, *, image: str, runtime: str = "runc") -> None:
        self._image = image
        self._runtime = runtime
        self._client: docker.DockerClient | None = None

    def __enter__(self) -> "SnippetRunner":
        """Raises SandboxUnavailable when there is no Docker Engine or no image."""
        try:
            self._client = docker.from_env(timeout=_API_SECONDS)
            self._client.images.get(self._image)
        except docker.errors.ImageNotFound as error:
            raise SandboxUnavailable(f"There is no image {self._image}.") from error
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise SandboxUnavailable(f"The Docker Engine does not answer: {error}") from error
        return self

    def __exit__(self, *_error: object) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def run_python(self, code: str, title: str) -> CompletedSnippet:
        """Run `code` as a file named `title` if that is a file name, for at most 30 seconds.

        Raises SandboxUnavailable when the Docker Engine fails.
        """
        if self._client is None:
            raise SandboxUnavailable("The runner is not open.")
        name = title if _FILE_NAME.fullmatch(title) else "snippet.py"
        try:
            container = self._client.containers.create(**self._template(code, name))
            try:
                container.start()
                exit_code = _wait(container)
                return CompletedSnippet(
                    exit_code,
                    _text(container.logs(stdout=True, stderr=False)),
                    _text(container.logs(stdout=False, stderr=True)),
                )
            finally:
                container.remove(force=True)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise SandboxUnavailable(f"The snippet could not be run: {error}") from error

    def _template(self, code: str, name: str) -> dict[str, Any]:
        host = hardening(
            uid=APP_UID,
            memory_mb=512,
            pids=64,
            cpus=1.0,
            tmpfs={"/snippet": "size=16m,nr_inodes=1000", "/tmp": "size=16m,nr_inodes=1000"},  # noqa: S108 - a tmpfs inside the box
            runtime=self._runtime,
        )
        host["log_config"] = {"type": "json-file", "config": {"max-size": "1m", "max-file": "1"}}
        return {
            "image": self._image,
            "entrypoint": [PYTHON],
            "command": ["-I", "-c", _START],
            "name": f"backpath-snippet-{uuid.uuid4().hex[:12]}",
            "environment": {"SNIPPET": code, "SNIPPET_NAME": name, "PYTHONUNBUFFERED": "1"},
            "labels": {LABEL_ROLE: "snippet", "backpath.pid": str(os.getpid())},
            "network_mode": "none",
            "user": f"{APP_UID}:{APP_UID}",
            "working_dir": "/snippet",
            "init": True,
            **host,
        }


def _wait(container: Any) -> int | None:
    try:
        return int(container.wait(timeout=DEADLINE_SECONDS)["StatusCode"])
    except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
        container.kill()
        return None


def _text(data: bytes) -> str:
    return data[:OUTPUT_LIMIT].decode("utf-8", "replace")
