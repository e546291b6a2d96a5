"""Sandbox containers: the fixed templates they are created from, and their life.

With `docker_engine`, the only module that holds the Docker socket. No learner data is ever part
of what a container is created with.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions

from backpath.execution.pool import Profile
from backpath.execution.protocol import encode_json
from backpath.execution.streams import Closed, ContainerStream
from backpath.execution.usage import Usage, UsageUnavailable, parse_usage

APP_UID, RUNNER_UID = 10002, 10001
LABEL_JOB = "backpath.job"
LABEL_ROLE = "backpath.role"
LABEL_CREATED = "backpath.created"
LABEL_OWNER = "backpath.owner"
# In place of a job on what serves whichever job comes.
POOLED: Final = "pooled"
# Engine calls that hang are a fault of the sandbox, not a reason to wait for ever.
API_TIMEOUT_SECONDS = 60
HELLO_SECONDS = 60.0
WARM_SECONDS = 120.0
# A container that nobody has told otherwise ends itself after this long.
IDLE_SECONDS = 120
IMAGE_ID_SECONDS = 30.0
MIB = 1 << 20


@dataclass(frozen=True)
class SandboxSettings:
    """What an operator may choose. Memory in MiB, CPUs in cores, times in seconds."""

    app_image: str = "backpath/sandbox-app:latest"
    runner_image: str = "backpath/sandbox-runner:latest"
    app_services_image: str = "backpath/sandbox-app-services:latest"
    """The image for assignments that ask for databases in the box."""
    runtime: str = "runc"
    owner: str = "backpath"
    """Which installation a container belongs to: several may share one Docker Engine."""
    runner_memory_mb: int = 320
    runner_pids: int = 64
    runner_cpus: float = 1.0
    max_app_memory_mb: int = 2048
    max_app_cpus: float = 2.0
    max_app_pids: int = 512
    pool_size: int = 0
    """How many warm app containers are kept at most; 0 makes each when it is needed."""
    pool_memory_mb: int = 1024
    pool_max_age_seconds: float = 1800.0
    runner_jobs: int = 50
    """How many jobs one runner container serves, one after the other."""


class SandboxUnavailable(Exception):
    """There is no Docker Engine to be had, or it refused; the text is for operators."""


ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


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


@dataclass
class Container:
    """A running container whose streams this process holds; it has said hello."""

    id: str
    role: str
    stream: ContainerStream
    python: str
    packages: dict[str, str]
    started_at: float

    @property
    def is_alive(self) -> bool:
        """Whether its output has not ended."""
        return not self.stream.is_closed


@dataclass
class AppContainer(Container):
    """Where one submission will run."""

    profile: Profile = field(kw_only=True)
    warm_since: float = 0.0
    memory_mb: int = 0
    """What it uses when warm, as it says itself before it has seen a submission."""


@dataclass
class RunnerContainer(Container):
    """Where graders run, one job after the other."""

    jobs: int = 0


class Containers:
    """Makes and removes containers; raises SandboxUnavailable for whatever the Engine says."""

    def __init__(self, settings: SandboxSettings, client: docker.DockerClient | None) -> None:
        self.settings = settings
        self._client = client
        self._connecting = threading.Lock()
        self._image_ids: dict[str, tuple[float, str]] = {}

    def close(self) -> None:
        """Let go of the connections to the Docker Engine."""
        with self._connecting:
            if self._client is not None:
                self._client.close()
                self._client = None

    @property
    def api(self) -> docker.APIClient:
        """The Engine's own API. Raises SandboxUnavailable."""
        with self._connecting:
            if self._client is None:
                try:
                    self._client = docker.DockerClient.from_env(timeout=API_TIMEOUT_SECONDS)
                except docker.errors.DockerException as error:
                    raise SandboxUnavailable(reason_of(error)) from error
            return self._client.api

    # Making ------------------------------------------------------------------------------

    def make_app(self, profile: Profile, job_id: str) -> AppContainer:
        """Create and start an app container, and wait for its hello."""
        settings = self.settings
        host_config = self.api.create_host_config(
            network_mode="none",
            **hardening(
                uid=APP_UID,
                memory_mb=min(profile.memory_mb, settings.max_app_memory_mb),
                pids=min(profile.pids, settings.max_app_pids),
                cpus=min(profile.cpus, settings.max_app_cpus),
                tmpfs={
                    "/work": "size=256m,nr_inodes=16384",
                    "/data": "size=128m,nr_inodes=8192",
                    "/tmp": "size=64m,nr_inodes=4096",  # noqa: S108 - inside the box
                    **({"/services": "size=256m,nr_inodes=8192"} if profile.services else {}),
                },
                runtime=settings.runtime,
            ),
        )
        image = settings.app_services_image if profile.services else settings.app_image
        made = self._make(image, "app", job_id, APP_UID, host_config)
        return AppContainer(**vars(made), profile=profile)

    def make_warm_app(self, profile: Profile, preload: list[str]) -> AppContainer:
        """Return an app container that has imported what `preload` names."""
        container = self.make_app(profile, POOLED)
        try:
            container.stream.send(
                encode_json(
                    {
                        "type": "warm",
                        "preload": preload,
                        "services": list(profile.services),
                        "deadline_seconds": self.settings.pool_max_age_seconds + IDLE_SECONDS,
                    }
                )
            )
            message = self._hear(container.stream, "warm", WARM_SECONDS)
        except (OSError, SandboxUnavailable) as error:
            self.remove(container)
            raise SandboxUnavailable(f"a container did not warm up: {error}") from error
        container.memory_mb = message["memory_mb"]
        container.warm_since = time.monotonic()
        return container

    def make_runner(self) -> RunnerContainer:
        """Create and start a runner container, and wait for its hello."""
        settings = self.settings
        host_config = self.api.create_host_config(
            network_mode="none",
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
        )
        made = self._make(settings.runner_image, "runner", POOLED, RUNNER_UID, host_config)
        return RunnerContainer(**vars(made))

    def _make(
        self, image: str, role: str, job_id: str, uid: int, host_config: dict[str, Any]
    ) -> Container:
        started_at = time.time()
        container_id = None
        stream = None
        try:
            container_id = self._create(image, role, job_id, uid, host_config)
            stream = self._attach_and_start(container_id, role)
            hello = self._hear(stream, "hello", HELLO_SECONDS)
            return Container(
                container_id, role, stream, hello["python"], hello["packages"], started_at
            )
        except BaseException as error:
            if stream is not None:
                stream.close()
            if container_id is not None:
                self._remove(container_id)
            if isinstance(error, ENGINE_ERRORS):
                raise SandboxUnavailable(reason_of(error)) from error
            raise

    def _create(
        self, image: str, role: str, job_id: str, uid: int, host_config: dict[str, Any]
    ) -> str:
        container = self.api.create_container(
            image=image,
            hostname=role,
            user=f"{uid}:{uid}",
            environment={},
            # With an attached, once-only stdin, the Engine closes it when the worker dies, and
            # the container ends itself.
            stdin_open=True,
            detach=False,
            labels={
                LABEL_JOB: job_id,
                LABEL_ROLE: role,
                LABEL_OWNER: self.settings.owner,
                LABEL_CREATED: str(int(time.time())),
            },
            host_config=host_config,
        )
        return str(container["Id"])

    def _attach_and_start(self, container: str, role: str) -> ContainerStream:
        # Attached before it starts, so that nothing it says is lost.
        attached = self.api.attach_socket(
            container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        # A socket of our own: the SDK's is owned by an HTTP response that closes it when collected.
        sock = socket.socket(fileno=os.dup(attached.fileno()))
        attached._response.close()
        stream = ContainerStream(role, sock)
        try:
            self.api.start(container)
        except BaseException:
            stream.close()
            raise
        return stream

    def _hear(self, stream: ContainerStream, kind: str, seconds: float) -> dict[str, Any]:
        """Wait for one message of `kind`, the first that comes. Raises SandboxUnavailable."""
        try:
            role, message = stream.inbox.get(timeout=seconds)
        except queue.Empty:
            raise SandboxUnavailable(f"a container did not say {kind} in time") from None
        if isinstance(message, Closed):
            why = message.error or "ended early"
            raise SandboxUnavailable(f"the {role} container: {why}; {stream.stderr_tail[-500:]}")
        if message["type"] != kind:
            raise SandboxUnavailable(f"the {role} container said {message['type']}, not {kind}")
        return message

    # Removing ----------------------------------------------------------------------------

    def remove(self, container: Container) -> None:
        """Close the container's streams and remove it, whatever state it is in."""
        container.stream.close()
        self._remove(container.id)

    def _remove(self, container_id: str) -> int:
        try:
            self.api.remove_container(container_id, force=True, v=True)
        except docker.errors.NotFound:
            return 0
        except (*ENGINE_ERRORS, SandboxUnavailable):
            # Left to the sweep: the verdict is not lost for a container that will not go.
            return 0
        return 1

    def sweep(self, is_over: Callable[[dict[str, str], str, float], bool]) -> int:
        """Remove this owner's containers of which `is_over(labels, state, age)` is true."""
        try:
            found = self.api.containers(
                all=True, filters={"label": [LABEL_JOB, f"{LABEL_OWNER}={self.settings.owner}"]}
            )
        except ENGINE_ERRORS as error:
            raise SandboxUnavailable(reason_of(error)) from error
        now = time.time()
        removed = 0
        for entry in found:
            labels = entry.get("Labels") or {}
            age = now - float(labels.get(LABEL_CREATED, 0))
            if is_over(labels, str(entry.get("State", "")), age):
                removed += self._remove(entry["Id"])
        return removed

    # Asking ------------------------------------------------------------------------------

    def image_id(self, name: str) -> str:
        """Return the identity of an image, at most half a minute old. Raises Engine errors."""
        found = self._image_ids.get(name)
        if found is None or time.monotonic() - found[0] > IMAGE_ID_SECONDS:
            inspected: dict[str, Any] = self.api.inspect_image(name)  # type: ignore[no-untyped-call]  # the SDK's function has no types
            found = (time.monotonic(), str(inspected["Id"]))
            self._image_ids[name] = found
        return found[1]

    def was_out_of_memory(self, container: Container, since: float) -> bool:
        """Ask the Engine's own record, which also knows of children that were killed."""
        try:
            if self.api.inspect_container(container.id)["State"]["OOMKilled"]:
                return True
            # Times with their fractions: the Engine would wait for a second that is not over.
            events = self.api.events(  # type: ignore[call-overload]  # the stubs know whole seconds
                since=f"{since:.9f}",
                until=f"{time.time():.9f}",
                filters={"container": container.id, "event": "oom"},
            )
            return any(events)
        except (*ENGINE_ERRORS, SandboxUnavailable):
            return False

    def usage(self, container: Container) -> Usage | None:
        """Return what the Engine measured of a container, or None where it cannot tell."""
        try:
            return parse_usage(self.api.stats(container.id, stream=False, one_shot=True))
        except (*ENGINE_ERRORS, SandboxUnavailable, UsageUnavailable):
            return None


def reason_of(error: Exception) -> str:
    """Return the one line of an engine error that helps."""
    explanation = getattr(error, "explanation", None) or str(error)
    return str(explanation).splitlines()[0][:300] if explanation else type(error).__name__
