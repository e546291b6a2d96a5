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
from backpath.execution.inside import NOTHING_TOLD, InsideRecord, read_inside
from backpath.execution.limits import Ceilings, EndedBy, find_limit
from backpath.execution.outcome import CheckStarted, LimitHit, Phase, RunOutcome
from backpath.execution.protocol import (
    MAX_STREAM_TOTAL_BYTES,
    PROTOCOL_VERSION,
    ProtocolError,
    ResultCollector,
    encode_blob,
    encode_json,
)
from backpath.execution.streams import Closed, Inbox
from backpath.execution.usage import Usage
from backpath.execution.watch import LimitWatch

# How much longer than the runner's own clock the worker waits before it pulls the plug.
SLACK_SECONDS = 5.0
# Every group may start the service once; beyond the first start that is the checks' time.
FIRST_START_SLACK_SECONDS = 15.0
POLL_SECONDS = 0.5
# The app container explains what went wrong within this, or not at all.
INSIDE_SECONDS = 1.0
# How long the Engine may take to record a kill that the app container knows of already.
RECORD_SECONDS = 1.0


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
    usage: Callable[[], Usage | None] = lambda: None
    """What the Engine measured of the app container."""
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
    _handed_over_at: float = 0.0
    _checks_began_at: float | None = None
    _end: dict[str, Any] | None = None
    _is_unpacked: bool = False
    _is_app_gone: bool = False
    _app_end: Closed | None = None

    def __post_init__(self) -> None:
        limits = self.request.manifest["limits"]
        self._wall_seconds = float(limits["wall_seconds"])
        self._ready_seconds = float(limits["ready_seconds"])
        self._collector = ResultCollector([c["id"] for c in self.request.manifest["checks"]])
        self._watch = LimitWatch(limits, self.pair.usage)

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
        self._handed_over_at = time.monotonic()
        self._timings["sandbox"] = self._handed_over_at - self.started_at
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
        """Take the runner's frames; return "end", "closed", or the clock: "wall" or "cpu"."""
        deadline = time.monotonic() + self._total_seconds + SLACK_SECONDS
        while True:
            heard = self._next(deadline)
            if heard is None:
                return "cpu" if self._watch.is_over else "wall"
            role, message = heard
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
            self._note_end_of_app(message)
            self.pair.runner.send(encode_json({"type": "app_gone"}))
        elif message["type"] == "unpacked" and message.get("error") and not self._is_unpacked:
            raise SandboxFault(message["error"])
        self._is_unpacked = True

    def _note_end_of_app(self, end: Closed) -> None:
        self._app_end = end
        self._is_app_gone = end.error is None

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
            self._watch.app_is_ready()
            self._timings["app_start"] = time.monotonic() - self._handed_over_at
            self.on_event(Phase("checking"))

    def _decide(self, ending: str) -> RunOutcome:
        if self._checks_began_at is not None:
            self._timings["checks"] = time.monotonic() - self._checks_began_at
        end = self._end or {}
        status, detail = end.get("status", ""), end.get("detail", "")
        if self._all_passed:
            # Where nothing failed there is nothing to explain.
            return self._decide_by(ending, status, detail)
        self._watch.stop()
        if self.pair.was_out_of_memory("runner"):
            raise SandboxFault("the runner ran out of memory")
        inside = self._ask_inside()
        is_out_of_memory = self._ran_out_of_memory(inside)
        # Nothing that a learner's process may do ends the agent: its container was removed or
        # killed, or the connection to it broke. What failed since then says nothing of the work.
        if self._is_app_gone and not is_out_of_memory:
            tail = self.pair.app.stderr_tail[-500:]
            raise SandboxFault(f"the app container ended in the midst of the run; {tail}")
        return self._decide_by(
            ending, status, detail, inside=inside, is_out_of_memory=is_out_of_memory
        )

    def _decide_by(
        self,
        ending: str,
        status: str,
        detail: str,
        *,
        inside: InsideRecord = NOTHING_TOLD,
        is_out_of_memory: bool = False,
    ) -> RunOutcome:
        """Return the outcome; of the clock, memory and the runner's word the first that counts."""
        is_late = ending in ("wall", "cpu") or status == "timed_out"
        ended_by: EndedBy = "cpu" if ending == "cpu" else "wall" if is_late else ""
        limit = None
        if not self._all_passed or is_late:
            limit = self._limit(ended_by, inside, is_out_of_memory=is_out_of_memory)
        if status == "app_not_ready":
            return self._outcome("out_of_memory" if is_out_of_memory else status, detail, limit)
        if is_late:
            return self._outcome("timed_out", detail or f"the {ended_by} clock ran out", limit)
        if is_out_of_memory:
            detail = "the Engine recorded an out-of-memory kill"
            return self._outcome("out_of_memory", detail, limit)
        if ending == "closed":
            raise SandboxFault("the runner ended without an end frame")
        if status == "completed" and self._collector.missing:
            raise ProtocolError("missing_checks", ", ".join(sorted(self._collector.missing)))
        return self._outcome(status, detail, limit)

    @property
    def _all_passed(self) -> bool:
        return not self._collector.missing and all(
            check.outcome == "passed" for check in self._collector.finished.values()
        )

    # Limits ----------------------------------------------------------------------------

    def _limit(
        self, ended_by: EndedBy, inside: InsideRecord, *, is_out_of_memory: bool
    ) -> LimitHit | None:
        """Return the limit that ended the run or that what failed met."""
        error = self._app_end.error if self._app_end else None
        said = MAX_STREAM_TOTAL_BYTES if error is not None and error.code == "size_cap" else None
        evidence = self._watch.evidence(
            ended_by=ended_by, ran_out_of_memory=is_out_of_memory, inside=inside, output_bytes=said
        )
        return find_limit(self.request.manifest["limits"], evidence, Ceilings(output_bytes=said))

    def _ask_inside(self) -> InsideRecord:
        """Ask the app container what it met of its limits; it may be gone, or lie."""
        if self._app_end is not None:
            return NOTHING_TOLD
        deadline = time.monotonic() + INSIDE_SECONDS
        others = []
        try:
            self.pair.app.send(encode_json({"type": "inside"}))
            while (left := deadline - time.monotonic()) > 0:
                role, message = self.pair.inbox.get(timeout=left)
                if role != "app":
                    others.append((role, message))
                elif isinstance(message, Closed):
                    self._note_end_of_app(message)
                    break
                elif message["type"] == "inside":
                    return read_inside(message)
        except (queue.Empty, OSError):
            pass
        finally:
            # The runner's last word is for whoever gives it to the next run.
            for item in others:
                self.pair.inbox.put(item)
        return NOTHING_TOLD

    def _ran_out_of_memory(self, inside: InsideRecord) -> bool:
        """Whether the Engine recorded a kill; it is asked again where the inside knows of one."""
        deadline = time.monotonic() + RECORD_SECONDS
        while not self.pair.was_out_of_memory("app"):
            if not inside.out_of_memory_kills or time.monotonic() > deadline:
                return False
            time.sleep(RECORD_SECONDS / 20)
        return True

    # Helpers ---------------------------------------------------------------------------

    def _next(self, deadline: float) -> tuple[str, dict[str, Any] | Closed] | None:
        """Return what is said next, or None once a clock has run out."""
        while True:
            if self.should_stop():
                raise SandboxFault("the run was called off")
            left = deadline - time.monotonic()
            if left <= 0 or self._watch.look():
                return None
            try:
                wait = min(left, POLL_SECONDS, self._watch.seconds_to_next)
                return self.pair.inbox.get(timeout=wait)
            except queue.Empty:
                continue

    def _outcome(self, status: str, detail: str, limit: LimitHit | None = None) -> RunOutcome:
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
            limit=limit,
        )
