"""One run as a session sees it, with containers that say whatever the test wants."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from backpath.execution import session as session_module
from backpath.execution.engine import RunRequest
from backpath.execution.outcome import CheckFinished, Phase, RunOutcome
from backpath.execution.protocol import ProtocolError
from backpath.execution.session import Pair, Session
from backpath.execution.streams import Closed

MANIFEST = {
    "groups": [{"id": "a"}],
    "checks": [{"id": "a.one", "points": 50}, {"id": "a.two", "points": 50}],
    "limits": {"wall_seconds": 0.2, "check_seconds": 5, "ready_seconds": 0.1},
}
HELLO = {"type": "hello", "protocol": 1, "python": "3.13.5", "packages": {"flask": "3"}}
READY = {"type": "service", "state": "ready", "group": "a", "seconds": 0.4}


def end(status: str = "completed", **changes: Any) -> dict[str, Any]:
    return {
        "type": "end",
        "status": status,
        "checks": 2,
        "detail": "",
        "app_log_tail": "log",
        **changes,
    }


def passing(check_id: str, outcome: str = "passed") -> list[dict[str, Any]]:
    return [
        {"type": "check_started", "check_id": check_id},
        {
            "type": "check_finished",
            "check_id": check_id,
            "outcome": outcome,
            "message": "",
            "duration_ms": 3,
        },
    ]


@dataclass
class FakeStream:
    """A container's stdin; `on_send` plays what it answers."""

    role: str
    inbox: queue.Queue
    replies: list[Any] = field(default_factory=list)
    sent: bytes = b""
    stderr_tail: str = "the last words"
    error: OSError | None = None

    def send(self, data: bytes) -> None:
        if self.error:
            raise self.error
        self.sent += data
        for reply in self.replies:
            self.inbox.put((self.role, reply))


def play(
    runner: list[Any],
    *,
    app: list[Any] | None = None,
    hellos: list[tuple[str, Any]] | None = None,
    out_of_memory: str = "",
    should_stop=lambda: False,
    error: OSError | None = None,
) -> tuple[RunOutcome, list[Any]]:
    """Run a session; `runner` is what the runner says once it has its job."""
    inbox: queue.Queue = queue.Queue()
    for item in hellos or [
        ("app", {**HELLO, "role": "app"}),
        ("runner", {**HELLO, "role": "runner"}),
    ]:
        inbox.put(item)
    events: list[Any] = []
    pair = Pair(
        app=FakeStream("app", inbox, app or [{"type": "unpacked", "files": 2}], error=error),
        runner=FakeStream("runner", inbox, runner),
        inbox=inbox,
        image_digests={"app": "sha256:1"},
        was_out_of_memory=lambda role: role == out_of_memory,
    )
    outcome = Session(
        pair=pair,
        request=RunRequest("job", b"submission", b"grader", MANIFEST, 42),
        on_event=events.append,
        should_stop=should_stop,
        started_at=time.monotonic(),
    ).run()
    return outcome, events


ALL_PASSED = [READY, *passing("a.one"), *passing("a.two"), end()]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    for name in ("HELLO_SECONDS", "UNPACK_SECONDS", "SLACK_SECONDS", "FIRST_START_SLACK_SECONDS"):
        monkeypatch.setattr(session_module, name, 0.2)


def test_a_complete_run_is_reported_as_it_happened():
    outcome, events = play(ALL_PASSED)

    assert outcome.status == "completed"
    assert [check.check_id for check in outcome.checks] == ["a.one", "a.two"]
    assert outcome.app_log_tail == "log"
    assert outcome.seed == 42
    assert outcome.packages == {"python": "3.13.5", "flask": "3"}
    assert outcome.timings["app_start"] == 0.4
    assert [event.name for event in events if isinstance(event, Phase)] == [
        "app_starting",
        "checking",
        "finishing",
    ]
    assert len([event for event in events if isinstance(event, CheckFinished)]) == 2


@pytest.mark.parametrize(
    ("runner", "status", "finished"),
    [
        ([READY, *passing("a.one"), end()], "infrastructure_error", 1),
        ([READY, *passing("a.one"), Closed()], "infrastructure_error", 1),
        (
            [READY, *passing("a.one"), Closed(ProtocolError("not_json", "x"))],
            "infrastructure_error",
            1,
        ),
        ([READY, *passing("a.one"), *passing("a.one"), end()], "infrastructure_error", 1),
        ([READY, *passing("b.one"), end()], "infrastructure_error", 0),
        ([READY, {"type": "unpacked", "files": 1}], "infrastructure_error", 0),
        ([READY, *passing("a.one"), end("timed_out")], "timed_out", 1),
        ([READY, *passing("a.one")], "timed_out", 1),
        ([end("app_not_ready", detail="exited")], "app_not_ready", 0),
        ([READY, *passing("a.one"), end("grader_error", detail="boom")], "grader_error", 1),
    ],
    ids=[
        "missing-check",
        "no-end-frame",
        "broken-frames",
        "duplicate",
        "unknown-id",
        "wrong-message",
        "the-runners-clock",
        "the-workers-clock",
        "not-ready",
        "grader-error",
    ],
)
def test_how_a_run_ends_decides_its_status_and_keeps_results_so_far(runner, status, finished):
    outcome, _ = play(runner)

    assert outcome.status == status
    assert len(outcome.checks) == finished
    assert outcome.timings["total"] > 0


def test_what_the_app_container_says_after_unpacking_counts_for_nothing():
    forged = [*passing("a.one"), *passing("a.two"), end(), Closed()]

    outcome, _ = play(
        [READY, *passing("a.one", "failed"), *passing("a.two", "failed"), end()],
        app=[{"type": "unpacked", "files": 2}, *forged],
    )

    assert [check.outcome for check in outcome.checks] == ["failed", "failed"]


@pytest.mark.parametrize(
    "hellos",
    [
        [("app", {**HELLO, "role": "runner"})],
        [("app", end())],
        [("app", Closed())],
        [("app", {**HELLO, "role": "app"})],
    ],
    ids=["wrong-role", "no-hello", "closed", "the-runner-is-silent"],
)
def test_a_pair_that_does_not_come_up_is_our_fault(hellos):
    outcome, _ = play(ALL_PASSED, hellos=hellos)

    assert outcome.status == "infrastructure_error"


@pytest.mark.parametrize(
    ("runner", "role", "status"),
    [
        ([READY, *passing("a.one"), *passing("a.two", "failed"), end()], "app", "out_of_memory"),
        (ALL_PASSED, "app", "completed"),
        ([end("app_not_ready")], "app", "out_of_memory"),
        (ALL_PASSED, "runner", "infrastructure_error"),
    ],
    ids=["explains-a-failure", "nothing-to-explain", "explains-a-start", "the-runners-own"],
)
def test_out_of_memory_is_decided_by_the_engines_record(runner, role, status):
    outcome, _ = play(runner, out_of_memory=role)

    assert outcome.status == status


def test_a_submission_that_does_not_fit_is_not_graded_blindly():
    outcome, _ = play(ALL_PASSED, app=[{"type": "unpacked", "files": 0, "error": "cannot unpack"}])

    assert outcome.status == "infrastructure_error"
    assert "cannot unpack" in outcome.detail


def test_a_broken_pipe_is_our_fault():
    outcome, _ = play(ALL_PASSED, error=BrokenPipeError(32, "Broken pipe"))

    assert outcome.status == "infrastructure_error"
    assert "Broken pipe" in outcome.detail


def test_a_run_that_is_called_off_ends_at_once():
    outcome, _ = play([READY], should_stop=lambda: True)

    assert outcome.status == "infrastructure_error"
    assert "called off" in outcome.detail


def test_operators_see_the_runners_last_words():
    outcome, _ = play([READY, Closed()])

    assert "the last words" in outcome.detail
