"""One grading run over a pair of containers: who is told what, who is believed, and until when.

The order of decisions: fault of the sandbox, app not ready, timeout, out of memory, missing end
frame, protocol. Verdicts are read from the runner alone; of the app container nothing counts
but that it is there.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from backpath.execution.engine import RunEvent, RunRequest
from backpath.execution.outcome import CheckStarted, Phase, RunOutcome
from backpath.execution.protocol import (
    PROTOCOL_VERSION,
    ProtocolError,
    ResultCollector,
    encode_blob,
    encode_json,
)
from backpath.execution.streams import Closed, Inbox

# How much longer than the runner's own clock the worker waits before it pulls the plug.
SLACK_SECONDS = 5.0
# Every group may start the service once; beyond the first start that is the checks' time.
FIRST_START_SLACK_SECONDS = 15.0
POLL_SECONDS = 0.5


class Stream(Protocol):
    """What a session needs of a container's streams."""

    def send(self, data: bytes) -> None:
        """Write to the container."""

    @property
    def stderr_tail(self) -> str:
        """The last of its standard error."""


@dataclass
class Pair:
    """An app container and a runner, which have said hello, with their inbox."""

    app: Stream
    runner: Stream
    inbox: Inbox
    image_digests: dict[str, str]
    packages: dict[str, str]
    was_out_of_memory: Callable[[str], bool]
    """Whether the Engine's own record says that the container of a role ran out of memory."""
    origin: str = "cold"
    runner_is_reusable: bool = False
    """Whether the runner ended the run in order, so that it may serve the next."""


class SandboxFault(Exception):
    """The run says nothing about the learner's work; the text is for operators."""


@dataclass
class Session:
    """Drives one run; use once."""

    pair: Pair
    request: RunRequest
    on_event: Callable[[RunEvent], None]
    should_stop: Callable[[], bool]
    started_at: float
    preload: list[str] = field(default_factory=list)
    """What the app container is to import for this submission."""
    has_begun: bool = False
    """Whether either container has said anything about this run."""
    _timings: dict[str, float] = field(default_factory=dict)
    _checks_began_at: float | None = None
    _end: dict[str, Any] | None = None
    _is_unpacked: bool = False
    _is_app_gone: bool = False

    def __post_init__(self) -> None:
        limits = self.request.manifest["limits"]
        self._wall_seconds = float(limits["wall_seconds"])
        self._ready_seconds = float(limits["ready_seconds"])
        self._collector = ResultCollector([c["id"] for c in self.request.manifest["checks"]])

    def run(self) -> RunOutcome:
        """Run to the end and return the outcome; never raises for what a container does."""
        try:
            self._hand_over()
            ending = self._listen()
            outcome = self._decide(ending)
            self.pair.runner_is_reusable = ending == "end"
            return outcome
        except SandboxFault as fault:
            return self._outcome("infrastructure_error", str(fault))
        except ProtocolError as error:
            return self._outcome("infrastructure_error", f"protocol: {error}")
        except OSError as error:
            return self._outcome("infrastructure_error", f"lost the sandbox: {error}")

    # Phases ----------------------------------------------------------------------------

    def _hand_over(self) -> None:
        """Give the submission to the app and the grader to the runner, at once."""
        self._timings["sandbox"] = time.monotonic() - self.started_at
        self.on_event(Phase("app_starting"))
        job = {
            "type": "job",
            "protocol": PROTOCOL_VERSION,
            "deadline_seconds": self._total_seconds + 30,
        }
        services = list(self.request.manifest.get("services") or ())
        self.pair.app.send(
            encode_json({**job, "preload": self.preload, "services": services})
            + encode_blob(self.request.submission_tar)
        )
        self.pair.runner.send(
            encode_json(self._runner_job(job)) + encode_blob(self.request.grader_tar)
        )

    def _runner_job(self, job: dict[str, Any]) -> dict[str, Any]:
        manifest, limits = self.request.manifest, self.request.manifest["limits"]
        return {
            **job,
            "deadline_seconds": self._total_seconds,
            "seed": self.request.seed,
            "order": "random" if manifest.get("shuffle") else "manifest",
            "wall_seconds": self._wall_seconds,
            "check_seconds": float(limits["check_seconds"]),
            "ready_seconds": self._ready_seconds,
            "groups": [
                {"id": group["id"], "gate": bool(group.get("gate"))} for group in manifest["groups"]
            ],
            "checks": [
                {
                    "id": check["id"],
                    "group": check["id"].split(".")[0],
                    "requires": list(check.get("requires", [])),
                    "hidden": bool(check.get("hidden")),
                    "blocking": bool(check.get("blocking")),
                }
                for check in manifest["checks"]
            ],
        }

    @property
    def _total_seconds(self) -> float:
        return self._ready_seconds + FIRST_START_SLACK_SECONDS + self._wall_seconds

    def _listen(self) -> str:
        """Take the runner's frames until its end frame; return "end", "timeout" or "closed"."""
        deadline = time.monotonic() + self._total_seconds + SLACK_SECONDS
        while True:
            try:
                role, message = self._next(deadline, "")
            except SandboxFault:
                if self.should_stop():
                    raise
                return "timeout"
            self.has_begun = self.has_begun or not isinstance(message, Closed)
            if role == "app":
                self._take_from_app(message)
                continue
            if isinstance(message, Closed):
                if message.error is not None:
                    raise message.error
                return "closed"
            if self._take(message):
                self.on_event(Phase("finishing"))
                return "end"

    def _take_from_app(self, message: dict[str, Any] | Closed) -> None:
        """Whatever it says or does once it has unpacked is the learner's."""
        if isinstance(message, Closed):
            if not self.has_begun:
                reason = message.error or "ended early"
                tail = self.pair.app.stderr_tail[-500:]
                raise SandboxFault(f"the app container: {reason}; {tail}")
            # The runner's connections to it end, so that the run is over soon.
            self._is_app_gone = message.error is None
            self.pair.runner.send(encode_json({"type": "app_gone"}))
        elif message["type"] == "unpacked" and message.get("error") and not self._is_unpacked:
            raise SandboxFault(message["error"])
        self._is_unpacked = True

    def _take(self, message: dict[str, Any]) -> bool:
        kind: str = message["type"]
        if kind == "service":
            self._take_service(message)
        elif kind == "check_started":
            self._collector.start(message["check_id"])
            self.on_event(CheckStarted(message["check_id"]))
        elif kind == "check_finished":
            self.on_event(self._collector.finish(message))
        elif kind == "end":
            self._end = message
        else:
            raise ProtocolError("unexpected_type", kind)
        return kind == "end"

    def _take_service(self, message: dict[str, Any]) -> None:
        if message["state"] == "ready" and self._checks_began_at is None:
            self._checks_began_at = time.monotonic()
            self._timings["app_start"] = message["seconds"]
            self.on_event(Phase("checking"))

    def _decide(self, ending: str) -> RunOutcome:
        if self._checks_began_at is not None:
            self._timings["checks"] = time.monotonic() - self._checks_began_at
        end = self._end or {}
        status, detail = end.get("status", ""), end.get("detail", "")
        all_passed = not self._collector.missing and all(
            check.outcome == "passed" for check in self._collector.finished.values()
        )
        # The Engine's record of an out-of-memory kill explains a failed start or a failed
        # check; where nothing failed there is nothing to explain.
        if not all_passed and self.pair.was_out_of_memory("runner"):
            raise SandboxFault("the runner ran out of memory")
        is_out_of_memory = not all_passed and self.pair.was_out_of_memory("app")
        # Nothing that a learner's process may do ends the agent: its container was removed or
        # killed, or the connection to it broke. What failed since then says nothing of the work.
        if self._is_app_gone and not all_passed and not is_out_of_memory:
            tail = self.pair.app.stderr_tail[-500:]
            raise SandboxFault(f"the app container ended in the midst of the run; {tail}")
        if status == "app_not_ready":
            return self._outcome("out_of_memory" if is_out_of_memory else status, detail)
        if ending == "timeout" or status == "timed_out":
            return self._outcome("timed_out", detail or "the worker's clock ran out")
        if is_out_of_memory:
            return self._outcome("out_of_memory", "the Engine recorded an out-of-memory kill")
        if ending == "closed":
            raise SandboxFault("the runner ended without an end frame")
        if status == "completed" and self._collector.missing:
            raise ProtocolError("missing_checks", ", ".join(sorted(self._collector.missing)))
        return self._outcome(status, detail)

    # Helpers ---------------------------------------------------------------------------

    def _next(self, deadline: float, too_late: str) -> tuple[str, dict[str, Any] | Closed]:
        while True:
            if self.should_stop():
                raise SandboxFault("the run was called off")
            left = deadline - time.monotonic()
            if left <= 0:
                raise SandboxFault(too_late)
            try:
                return self.pair.inbox.get(timeout=min(left, POLL_SECONDS))
            except queue.Empty:
                continue

    def _outcome(self, status: str, detail: str) -> RunOutcome:
        self._timings["total"] = time.monotonic() - self.started_at
        if status in ("infrastructure_error", "grader_error"):
            tail = self.pair.runner.stderr_tail[-2000:]
            detail = f"{detail}\n--- runner's stderr\n{tail}" if tail else detail
        return RunOutcome(
            status=status,
            checks=list(self._collector.finished.values()),
            detail=detail,
            app_log_tail=(self._end or {}).get("app_log_tail", ""),
            seed=self.request.seed,
            timings=dict(self._timings),
            image_digests=dict(self.pair.image_digests),
            packages=dict(self.pair.packages),
            origin=self.pair.origin,
        )
