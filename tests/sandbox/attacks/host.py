"""What runs of ours leave on the host, and how much of it they use meanwhile.

Other installations may use the same Docker Engine: everything is told apart by the owner's label
and by the ids of the containers that were seen while a job ran.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors

from backpath.execution.docker_engine import (
    APP_UID,
    LABEL_JOB,
    LABEL_OWNER,
    LABEL_ROLE,
    RUNNER_UID,
    SandboxSettings,
)

CGROUPS = Path("/sys/fs/cgroup")
SETTLE_SECONDS = 10.0
# Threads and descriptors that may come and go without any of it being a leak.
SLACK = 12
MIB = 1 << 20


@dataclass(frozen=True)
class Seen:
    """A container that was seen, and where its traces would be."""

    id: str
    role: str
    memory: int
    pids: int
    mount: str
    namespace: str


@dataclass
class Watch:
    """Watches the containers of one owner. Not for use by several threads."""

    client: docker.DockerClient
    owner: str
    seen: dict[str, Seen] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Note which containers there are, and hold their limits against the settings."""
        for name in self._ids(f"{LABEL_OWNER}={self.owner}") - self.seen.keys():
            seen = self._inspected(name)
            if seen is not None:
                self.seen[name] = seen
                self.problems += _unlimited(seen)

    def measure(self) -> None:
        """Hold the use of every container that was seen and still runs against its limits."""
        for seen in self.seen.values():
            self.problems += _exceeded(seen)

    def _ids(self, label: str) -> set[str]:
        listed = self.client.api.containers(all=True, filters={"label": label})
        return {entry["Id"] for entry in listed}

    def _inspected(self, name: str) -> Seen | None:
        try:
            return _seen(self.client.api.inspect_container(name))
        except docker.errors.NotFound:  # gone between the listing and the look
            return None

    def left_of_job(self, job_id: str) -> list[str]:
        """What is left of a job a moment after its end."""
        label = f"{LABEL_JOB}={job_id}"
        return settled(
            lambda: [
                *(f"container {name[:12]} of the job" for name in self._ids(label)),
                *self._traces(),
            ]
        )

    def left_of_all(self) -> list[str]:
        """What is left once the engine has been closed."""
        label = f"{LABEL_OWNER}={self.owner}"
        return settled(
            lambda: [*(f"container {name[:12]}" for name in self._ids(label)), *self._traces()]
        )

    def _traces(self) -> Iterator[str]:
        """Processes and mounts of containers that were seen and are gone."""
        alive = self._ids(f"{LABEL_OWNER}={self.owner}")
        gone = {name: seen for name, seen in self.seen.items() if name not in alive}
        for pid, container in sandbox_processes():
            if container in gone:
                yield f"process {pid} of the removed container {container[:12]}"
        mounts = Path("/proc/self/mountinfo").read_text()
        for seen in gone.values():
            for trace in (seen.id, seen.mount, seen.namespace):
                if trace and trace in mounts:
                    yield f"a mount of the removed container {seen.id[:12]}: {trace}"


def settled(leftovers: Callable[[], list[str]], seconds: float = SETTLE_SECONDS) -> list[str]:
    """What `leftovers` still returns after it has been given time to become empty."""
    deadline = time.monotonic() + seconds
    while (left := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def sandbox_processes() -> Iterator[tuple[int, str]]:
    """Every process of this host under a uid of the sandbox, with its container's id (or "")."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid not in (APP_UID, RUNNER_UID):
                lines = (entry / "status").read_text().splitlines()
                uids = next(line for line in lines if line.startswith("Uid:")).split()[1:]
                if not {str(APP_UID), str(RUNNER_UID)} & set(uids):
                    continue
            cgroups = (entry / "cgroup").read_text()
        except (OSError, StopIteration):
            continue
        yield (
            int(entry.name),
            next((part for part in cgroups.replace("\n", "/").split("/") if len(part) >= 64), "")
            .removeprefix("docker-")
            .removesuffix(".scope"),
        )


def _seen(attrs: dict[str, Any]) -> Seen:
    host = attrs["HostConfig"]
    return Seen(
        id=attrs["Id"],
        role=(attrs["Config"].get("Labels") or {}).get(LABEL_ROLE, ""),
        memory=host["Memory"],
        pids=host["PidsLimit"] or 0,
        mount=(attrs.get("GraphDriver", {}).get("Data") or {}).get("MergedDir", "") or "",
        namespace=attrs["NetworkSettings"].get("SandboxKey", "") or "",
    )


def _unlimited(seen: Seen) -> Iterator[str]:
    settings = SandboxSettings()
    if not 0 < seen.memory <= settings.max_app_memory_mb * MIB:
        yield f"the {seen.role} container may use {seen.memory} bytes of memory"
    if not 0 < seen.pids <= settings.max_app_pids:
        yield f"the {seen.role} container may have {seen.pids} processes"


def _exceeded(seen: Seen) -> Iterator[str]:
    """Hold the kernel's own record of a container against its limits."""
    memory = _record("memory", seen.id, ("memory.max_usage_in_bytes", "memory.peak"))
    # The kernel charges in batches, and a kill comes a moment after the limit.
    if memory is not None and memory > seen.memory + 4 * MIB:
        yield f"the {seen.role} container used {memory} of {seen.memory} bytes"
    processes = _record("pids", seen.id, ("pids.current",))
    if processes is not None and processes > seen.pids:
        yield f"the {seen.role} container has {processes} of {seen.pids} processes"


def _record(controller: str, container: str, names: tuple[str, ...]) -> int | None:
    """Read a number of the container's cgroup, of either version; None where there is none."""
    folders = (
        CGROUPS / controller / "docker" / container,
        CGROUPS / "system.slice" / f"docker-{container}.scope",
        CGROUPS / "docker" / container,
    )
    for folder in folders:
        for name in names:
            try:
                return int((folder / name).read_text())
            except (OSError, ValueError):
                continue
    return None


@dataclass(frozen=True)
class Worker:
    """How much this process holds."""

    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> Worker:
        """Count."""
        return cls(threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))

    def grown_since(self, slack: int = SLACK) -> list[str]:
        """What this process holds more than it did, after a moment to let go."""

        def grown() -> list[str]:
            now = Worker.now()
            return [
                f"{name}: {before}, and {after} now"
                for name, before, after in (
                    ("threads of the worker", self.threads, now.threads),
                    ("descriptors of the worker", self.descriptors, now.descriptors),
                )
                if after > before + slack
            ]

        return settled(grown)


@contextmanager
def private_temporary_folder() -> Iterator[Path]:
    """Send this process's temporary files to a folder of their own, so that any left shows."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="backpath-attacks-") as folder:
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
