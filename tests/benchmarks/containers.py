"""The sandbox's containers as the Docker Engine sees them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors

from backpath.execution.docker_engine import LABEL_OWNER, LABEL_ROLE
from tests.benchmarks.machine import MIB

LOOK_SECONDS = 0.1
UNCHANGED_SECONDS = 0.6
LEAVING_SECONDS = 20.0


@dataclass(frozen=True)
class PairMemory:
    """MiB of the containers of a warm pair, each the mean of those that were there.

    `app` and `runner` are what their cgroups count without files that can be dropped, `app_own`
    and `runner_own` what no other process shares (anonymous memory).
    """

    app: float
    runner: float
    app_own: float
    runner_own: float
    apps: int
    runners: int


class Containers:
    """The containers of one installation (`owner`)."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._client = docker.from_env(timeout=60)

    def close(self) -> None:
        """Let go of the connections to the Docker Engine."""
        self._client.close()

    def names(self, role: str = "") -> frozenset[str]:
        """Ids of the containers, running or not; of one role (`app`, `runner`) or of all."""
        labels = [f"{LABEL_OWNER}={self._owner}"]
        if role:
            labels.append(f"{LABEL_ROLE}={role}")
        found = self._client.api.containers(all=True, quiet=True, filters={"label": labels})
        return frozenset(str(one["Id"]) for one in found)

    def wait_until_unchanged(self, patience: float) -> bool:
        """Wait until none comes or goes any more; False after `patience` seconds."""
        deadline = time.monotonic() + patience
        seen, since = self.names(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            now = self.names()
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since >= UNCHANGED_SECONDS:
                return True
        return False

    def remove_left(self) -> int:
        """Remove whatever there is once its owner has ended; return how many that were."""
        self.wait_until_unchanged(LEAVING_SECONDS)
        left = self.names()
        for one in left:
            with contextlib.suppress(docker.errors.NotFound):
                self._client.api.remove_container(one, force=True, v=True)
        return len(left)

    def memory(self) -> PairMemory | None:
        """Return what a warm pair takes, or None when there is none."""
        used: dict[str, list[tuple[float, float]]] = {}
        for role in ("app", "runner"):
            used[role] = [
                memory_of(self._client.api.stats(one, stream=False, one_shot=True))
                for one in self.names(role)
            ]
        if not used["app"] or not used["runner"]:
            return None
        means = {
            role: [sum(column) / len(values) for column in zip(*values, strict=True)]
            for role, values in used.items()
        }
        return PairMemory(
            app=means["app"][0],
            runner=means["runner"][0],
            app_own=means["app"][1],
            runner_own=means["runner"][1],
            apps=len(used["app"]),
            runners=len(used["runner"]),
        )


def memory_of(stats: dict[str, Any]) -> tuple[float, float]:
    """Return MiB in use without droppable files, and of it anonymous memory; cgroup v1 and v2."""
    memory = stats["memory_stats"]
    details = memory.get("stats", {})
    droppable = details.get("total_inactive_file", details.get("inactive_file", 0))
    anonymous = details.get("total_rss", details.get("anon", 0))
    return (memory["usage"] - droppable) / MIB, anonymous / MIB
