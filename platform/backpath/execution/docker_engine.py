"""The Docker Engine as a sandbox: the only module that holds the Docker socket.

A job gets two containers, used once: `app` (uid 10002) with the submission, and `runner` (uid
10001) with pytest and the hidden tests, which shares the app's network namespace and nothing
else. What they are created with is a fixed template: no learner data is ever part of it.
"""

from __future__ import annotations

import os
import queue
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
import requests.exceptions

from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.outcome import Phase, RunOutcome
from backpath.execution.protocol import load_schema
from backpath.execution.session import Inbox, Pair, Session
from backpath.execution.streams import ContainerStream

APP_UID, RUNNER_UID = 10002, 10001
LABEL_JOB = "backpath.job"
LABEL_ROLE = "backpath.role"
LABEL_CREATED = "backpath.created"
LABEL_OWNER = "backpath.owner"
# Engine calls that hang are a fault of the sandbox, not a reason to wait for ever.
API_TIMEOUT_SECONDS = 60
MIB = 1 << 20


@dataclass(frozen=True)
class SandboxSettings:
    """What an operator may choose. Memory in MiB, CPUs in cores."""

    app_image: str = "backpath/sandbox-app:latest"
    runner_image: str = "backpath/sandbox-runner:latest"
    runtime: str = "runc"
    owner: str = "backpath"
    """Which installation a container belongs to: several may share one Docker Engine."""
    runner_memory_mb: int = 320
    runner_pids: int = 64
    runner_cpus: float = 1.0
    max_app_memory_mb: int = 2048
    max_app_cpus: float = 2.0
    max_app_pids: int = 512


class SandboxUnavailable(Exception):
    """There is no Docker Engine to be had, or it refused; the text is for operators."""


_ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


def hardening(
    *, uid: int, memory_mb: int, pids: int, cpus: float, tmpfs: dict[str, str], runtime: str
) -> dict[str, Any]:
    """Return the host settings that every sandbox container is created with.

    No network of its own, read-only root, sized tmpfs with an inode limit, no capability, no
    new privileges, the default seccomp profile, limits on memory (swap included), processes,
    CPU, open files and file size, no shared memory segment, no log on disk.
    """
    return {
        "read_only": True,
        "tmpfs": {
            path: f"rw,noexec,nosuid,nodev,uid={uid},gid={uid},mode=0700,{size}"
            for path, size in tmpfs.items()
        },
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory_mb * MIB,
        "memswap_limit": memory_mb * MIB,
        "pids_limit": pids,
        "nano_cpus": int(cpus * 1_000_000_000),
        "ulimits": [
            docker.types.Ulimit(name="nofile", soft=1024, hard=1024),
            docker.types.Ulimit(name="fsize", soft=128 * MIB, hard=128 * MIB),
            docker.types.Ulimit(name="core", soft=0, hard=0),
        ],
        "ipc_mode": "none",
        "log_config": docker.types.LogConfig(type="none"),
        "restart_policy": {"Name": "no"},
        "runtime": runtime,
        "privileged": False,
        "publish_all_ports": False,
    }


class DockerEngine:
    """Runs each job in a cold pair of containers.

    The warm pool belongs where `_cold_pair` is: whatever makes a `Pair` can take its place.
    """

    def __init__(
        self, settings: SandboxSettings, *, client: docker.DockerClient | None = None
    ) -> None:
        # An installation without the schema must not look like containers that end early.
        load_schema()
        self._settings = settings
        self._client = client

    @classmethod
    def from_settings(cls, **options: Any) -> DockerEngine:
        """Return an engine; `options` are the fields of SandboxSettings."""
        return cls(SandboxSettings(**options))

    def close(self) -> None:
        """Let go of the connections to the Docker Engine."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # Engine protocol -------------------------------------------------------------------

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        """Run `request` in a fresh pair; faults of the engine become the outcome."""
        started_at = time.monotonic()
        on_event(Phase("starting"))
        try:
            with self._cold_pair(request) as pair:
                return Session(
                    pair=pair,
                    request=request,
                    on_event=on_event,
                    should_stop=should_stop,
                    started_at=started_at,
                ).run()
        except SandboxUnavailable as error:
            return RunOutcome(
                status="infrastructure_error",
                checks=[],
                detail=str(error),
                app_log_tail="",
                seed=request.seed,
                timings={"total": time.monotonic() - started_at},
                image_digests={},
                packages={},
            )

    def health(self) -> EngineHealth:
        """Say whether jobs can run here."""
        settings = self._settings
        try:
            self._api().ping()
        except _ENGINE_ERRORS as error:
            return EngineHealth(
                ok=False,
                message=f"No Docker Engine answers: {_reason(error)}",
                remedy="Start Docker, and let this user use its socket. `./dev doctor` tells more.",
            )
        for image in (settings.app_image, settings.runner_image):
            try:
                self._image_id(image)
            except docker.errors.ImageNotFound:
                return EngineHealth(
                    ok=False,
                    message=f"The image {image} is missing.",
                    remedy="Build the sandbox images with `./dev images`.",
                )
            except _ENGINE_ERRORS as error:
                return EngineHealth(ok=False, message=_reason(error), remedy="See `./dev doctor`.")
        return EngineHealth(ok=True, message="Docker and the sandbox images are there.", remedy="")

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        """Remove this owner's sandbox containers whose job is not in `job_ids_alive`.

        Containers younger than `grace_seconds` are left alone: their job may be just starting.
        """
        removed = 0
        try:
            containers = self._api().containers(
                all=True, filters={"label": [LABEL_JOB, f"{LABEL_OWNER}={self._settings.owner}"]}
            )
        except _ENGINE_ERRORS as error:
            raise SandboxUnavailable(_reason(error)) from error
        for entry in containers:
            labels = entry.get("Labels") or {}
            age = time.time() - float(labels.get(LABEL_CREATED, 0))
            if labels.get(LABEL_JOB) not in job_ids_alive and age > grace_seconds:
                removed += self._remove(entry["Id"])
        return removed

    # The pair --------------------------------------------------------------------------

    @contextmanager
    def _cold_pair(self, request: RunRequest) -> Iterator[Pair]:
        """Create and start a pair; remove it, whatever happens."""
        created: list[str] = []
        streams: list[ContainerStream] = []
        since = int(time.time())
        try:
            try:
                inbox: Inbox = queue.Queue()
                limits = request.manifest["limits"]
                app = self._create_app(request.job_id, limits)
                created.append(app)
                streams.append(self._attach_and_start(app, "app", inbox))
                runner = self._create_runner(request.job_id, app)
                created.append(runner)
                streams.append(self._attach_and_start(runner, "runner", inbox))
                digests = self._digests()
            except _ENGINE_ERRORS as error:
                raise SandboxUnavailable(_reason(error)) from error
            ids = {"app": app, "runner": runner}
            yield Pair(
                app=streams[0],
                runner=streams[1],
                inbox=inbox,
                image_digests=digests,
                was_out_of_memory=lambda role: self._was_out_of_memory(ids[role], since),
            )
        finally:
            for stream in streams:
                stream.close()
            # The runner first: it lives in the app's network namespace.
            for container in reversed(created):
                self._remove(container)

    def _create_app(self, job_id: str, limits: dict[str, Any]) -> str:
        settings = self._settings
        return self._create(
            image=settings.app_image,
            role="app",
            job_id=job_id,
            uid=APP_UID,
            host_config=self._api().create_host_config(
                network_mode="none",
                **hardening(
                    uid=APP_UID,
                    memory_mb=min(int(limits["app_memory_mb"]), settings.max_app_memory_mb),
                    pids=min(int(limits["app_pids"]), settings.max_app_pids),
                    cpus=min(float(limits["app_cpus"]), settings.max_app_cpus),
                    tmpfs={
                        "/work": "size=256m,nr_inodes=16384",
                        "/data": "size=128m,nr_inodes=8192",
                        "/tmp": "size=64m,nr_inodes=4096",  # noqa: S108 - inside the box
                    },
                    runtime=settings.runtime,
                ),
            ),
        )

    def _create_runner(self, job_id: str, app: str) -> str:
        settings = self._settings
        return self._create(
            image=settings.runner_image,
            role="runner",
            job_id=job_id,
            uid=RUNNER_UID,
            host_config=self._api().create_host_config(
                network_mode=f"container:{app}",
                **hardening(
                    uid=RUNNER_UID,
                    memory_mb=settings.runner_memory_mb,
                    pids=settings.runner_pids,
                    cpus=settings.runner_cpus,
                    tmpfs={
                        "/grader": "size=32m,nr_inodes=4096",
                        "/tmp": "size=16m,nr_inodes=1024",  # noqa: S108 - inside the box
                    },
                    runtime=settings.runtime,
                ),
            ),
        )

    def _create(
        self, *, image: str, role: str, job_id: str, uid: int, host_config: dict[str, Any]
    ) -> str:
        container = self._api().create_container(
            image=image,
            # Where both share one network namespace, only its owner may name the host.
            hostname="app" if role == "app" else None,
            user=f"{uid}:{uid}",
            environment={},
            # With an attached, once-only stdin, the Engine closes it when the worker dies, and
            # the container ends itself.
            stdin_open=True,
            detach=False,
            labels={
                LABEL_JOB: job_id,
                LABEL_ROLE: role,
                LABEL_OWNER: self._settings.owner,
                LABEL_CREATED: str(int(time.time())),
            },
            host_config=host_config,
        )
        return str(container["Id"])

    def _attach_and_start(self, container: str, role: str, inbox: Inbox) -> ContainerStream:
        # Attached before it starts, so that nothing it says is lost.
        attached = self._api().attach_socket(
            container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        # A socket of our own: the SDK's is owned by an HTTP response that closes it when collected.
        sock = socket.socket(fileno=os.dup(attached.fileno()))
        attached._response.close()
        stream = ContainerStream(role, sock, inbox)
        self._api().start(container)
        return stream

    def _digests(self) -> dict[str, str]:
        images = {"app": self._settings.app_image, "runner": self._settings.runner_image}
        return {role: self._image_id(name) for role, name in images.items()}

    def _image_id(self, name: str) -> str:
        found: dict[str, Any] = self._api().inspect_image(name)  # type: ignore[no-untyped-call]  # the SDK's function has no types
        return str(found["Id"])

    def _was_out_of_memory(self, container: str, since: int) -> bool:
        """Ask the Engine's own record, which also knows of children that were killed."""
        try:
            if self._api().inspect_container(container)["State"]["OOMKilled"]:
                return True
            events = self._api().events(
                since=since,
                until=int(time.time()) + 1,
                filters={"container": container, "event": "oom"},
            )
            return any(events)
        except _ENGINE_ERRORS:
            return False

    def _remove(self, container: str) -> int:
        try:
            self._api().remove_container(container, force=True, v=True)
        except docker.errors.NotFound:
            return 0
        except _ENGINE_ERRORS:
            # Left to the sweep: the verdict is not lost for a container that will not go.
            return 0
        return 1

    def _api(self) -> docker.APIClient:
        if self._client is None:
            try:
                self._client = docker.DockerClient.from_env(timeout=API_TIMEOUT_SECONDS)
            except docker.errors.DockerException as error:
                raise SandboxUnavailable(_reason(error)) from error
        return self._client.api


def _reason(error: Exception) -> str:
    """Return the one line of an engine error that helps."""
    explanation = getattr(error, "explanation", None) or str(error)
    return str(explanation).splitlines()[0][:300] if explanation else type(error).__name__
