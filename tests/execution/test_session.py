"""One run as a session sees it, with containers that say whatever the test wants."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from backpath.execution import session as session_module
from backpath.execution.engine import RunRequest
from backpath.execution.outcome import CheckFinished, LimitHit, Phase, RunOutcome
from backpath.execution.protocol import ProtocolError
from backpath.execution.session import Pair, Session
from backpath.execution.streams import Closed
from backpath.execution.usage import Usage

MANIFEST = {
    "groups": [{"id": "a"}],
    "checks": [{"id": "a.one", "points": 50}, {"id": "a.two", "points": 50}],
    "limits": {"wall_seconds": 0.2, "check_seconds": 5, "ready_seconds": 0.1},
}
UNPACKED = {"type": "unpacked", "files": 2}
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
    inside: dict[str, Any] | None = None

    def send(self, data: bytes) -> None:
        if self.error:
            raise self.error
        self.sent += data
        if data.endswith(b'{"type":"inside"}') and self.inside is not None:
            self.inbox.put((self.role, {"type": "inside", **self.inside}))
        replies, self.replies = self.replies, []
        for reply in replies:
            self.inbox.put((self.role, reply))


def play(runner: list[Any], **options: Any) -> tuple[RunOutcome, list[Any]]:
    """Run a session; `runner` is what the runner says once it has its job."""
    events: list[Any] = []
    _, outcome = play_pair(runner, on_event=events.append, **options)
    return outcome, events


def play_pair(
    runner: list[Any],
    *,
    app: list[Any] | None = None,
    out_of_memory: str = "",
    should_stop=lambda: False,
    error: OSError | None = None,
    on_event=lambda _event: None,
    inside: dict[str, Any] | None = None,
    usage=lambda: None,
    was_out_of_memory=None,
    manifest: dict[str, Any] = MANIFEST,
) -> tuple[Pair, RunOutcome]:
    """Run a session; return the pair as it was left, too."""
    inbox: queue.Queue = queue.Queue()
    pair = Pair(
        app=FakeStream("app", inbox, app or [UNPACKED], error=error, inside=inside),
        runner=FakeStream("runner", inbox, runner),
        inbox=inbox,
        image_digests={"app": "sha256:1"},
        packages={"python": "3.13.5", "flask": "3"},
        was_out_of_memory=was_out_of_memory or (lambda role: role == out_of_memory),
        usage=usage,
    )
    outcome = Session(
        pair=pair,
        request=RunRequest("job", b"submission", b"grader", manifest, 42),
        on_event=on_event,
        should_stop=should_stop,
        started_at=time.monotonic(),
    ).run()
    return pair, outcome


ALL_PASSED = [READY, *passing("a.one"), *passing("a.two"), end()]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    for name in ("SLACK_SECONDS", "FIRST_START_SLACK_SECONDS", "INSIDE_SECONDS", "RECORD_SECONDS"):
        monkeypatch.setattr(session_module, name, 0.2)


def test_a_complete_run_is_reported_as_it_happened():
    outcome, events = play(ALL_PASSED)

    assert outcome.status == "completed"
    assert [check.check_id for check in outcome.checks] == ["a.one", "a.two"]
    assert outcome.app_log_tail == "log"
    assert outcome.seed == 42
    assert outcome.packages == {"python": "3.13.5", "flask": "3"}
    assert list(outcome.timings) == ["sandbox", "app_start", "checks", "total"]
    assert sum(outcome.timings.values()) < 2 * outcome.timings["total"] + 0.1
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
        app=[UNPACKED, *forged],
    )

    assert [check.outcome for check in outcome.checks] == ["failed", "failed"]


def test_an_app_container_that_ends_before_it_began_is_our_fault():
    outcome, _ = play([], app=[Closed()])

    assert outcome.status == "infrastructure_error"
    assert "the app container: ended early" in outcome.detail


def test_the_runner_is_told_when_the_app_container_is_gone():
    pair, outcome = play_pair([READY, *passing("a.one", "failed")], app=[UNPACKED, Closed()])

    assert b'"app_gone"' in pair.runner.sent
    assert outcome.status == "infrastructure_error"
    assert "the app container ended in the midst of the run" in outcome.detail


@pytest.mark.parametrize(
    ("runner", "closed", "out_of_memory", "status"),
    [
        ([READY, *passing("a.one"), *passing("a.two", "failed"), end()], Closed(), "", "infra"),
        ([READY, end("timed_out")], Closed(), "", "infra"),
        ([end("app_not_ready")], Closed(), "", "infra"),
        ("ALL_PASSED", Closed(), "", "completed"),
        ([READY, *passing("a.one", "failed"), end()], Closed(), "app", "out_of_memory"),
        (
            [READY, *passing("a.one"), *passing("a.two", "failed"), end()],
            Closed(ProtocolError("size_cap", "a flood")),
            "",
            "completed",
        ),
    ],
    ids=["failed", "timed-out", "not-ready", "nothing-failed", "out-of-memory", "a-flood"],
)
def test_what_fails_because_the_app_container_is_gone_is_our_fault(
    runner, closed, out_of_memory, status
):
    said = ALL_PASSED if runner == "ALL_PASSED" else runner
    _, outcome = play_pair(said, app=[UNPACKED, closed], out_of_memory=out_of_memory)

    assert outcome.status == status.replace("infra", "infrastructure_error")


@pytest.mark.parametrize(
    ("runner", "out_of_memory", "is_reusable"),
    [
        ("ALL_PASSED", "", True),
        ([READY, end("timed_out")], "", True),
        ([READY], "", False),
        ([READY, Closed()], "", False),
        ([READY, *passing("b.one"), end()], "", False),
        ([READY, *passing("a.one"), *passing("a.two", "failed"), end()], "runner", False),
    ],
    ids=["in-order", "its-own-clock", "silent", "closed", "unknown-id", "out-of-memory"],
)
def test_only_a_runner_that_ended_in_order_serves_again(runner, out_of_memory, is_reusable):
    said = ALL_PASSED if runner == "ALL_PASSED" else runner
    pair, _ = play_pair(said, out_of_memory=out_of_memory)

    assert pair.runner_is_reusable is is_reusable


@pytest.mark.parametrize(
    ("runner", "role", "status"),
    [
        ([READY, *passing("a.one"), *passing("a.two", "failed"), end()], "app", "out_of_memory"),
        (ALL_PASSED, "app", "completed"),
        ([end("app_not_ready")], "app", "out_of_memory"),
        (
            [READY, *passing("a.one"), *passing("a.two", "failed"), end()],
            "runner",
            "infrastructure_error",
        ),
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


# Limits ------------------------------------------------------------------------------------

FAILED = [READY, *passing("a.one"), *passing("a.two", "failed"), end()]
LIMITS = {
    "wall_seconds": 60,
    "check_seconds": 5,
    "ready_seconds": 5,
    "app_memory_mb": 64,
    "app_pids": 32,
    "app_cpus": 1.0,
}


def make_usage(**figures: Any) -> Usage:
    known: dict[str, Any] = {
        "memory_bytes": 1 << 20,
        "peak_memory_bytes": None,
        "memory_limit_bytes": 64 << 20,
        "memory_limit_hits": None,
        "cpu_seconds": 1.0,
        "processes": 3,
        "process_limit": 32,
    }
    return Usage(**known | figures)


def limited(**limits: Any) -> dict[str, Any]:
    return MANIFEST | {"limits": LIMITS | limits}


def test_the_computing_time_ends_the_run_and_results_are_kept():
    used = iter([7.0, 7.4, 9.5, 30.0, 30.0])

    outcome, _ = play(
        [READY, *passing("a.one")],
        usage=lambda: make_usage(cpu_seconds=next(used)),
        manifest=limited(cpu_seconds=2),
    )

    assert outcome.status == "timed_out"
    assert outcome.detail == "the cpu clock ran out"
    assert outcome.limit == LimitHit("cpu", 2.0, 2.5, "s")
    assert [check.check_id for check in outcome.checks] == ["a.one"]


@pytest.mark.parametrize("runner", [[READY, *passing("a.one")], [READY, end("timed_out")]])
def test_the_clock_on_the_wall_is_named(runner):
    outcome, _ = play(runner, manifest=MANIFEST | {"limits": LIMITS | MANIFEST["limits"]})

    assert outcome.status == "timed_out"
    assert outcome.limit is not None
    assert (outcome.limit.kind, outcome.limit.limit) == ("wall", 0.2)


def test_memory_is_named_with_the_peak():
    usage = make_usage(peak_memory_bytes=64 << 20)

    outcome, _ = play(FAILED, out_of_memory="app", usage=lambda: usage, manifest=limited())

    assert outcome.status == "out_of_memory"
    assert outcome.limit == LimitHit("memory", 64.0, 64.0, "MiB")
    assert len(outcome.checks) == 2


def test_a_kill_that_the_inside_knows_of_is_asked_for_until_it_is_recorded():
    asked = []

    def was_out_of_memory(role: str) -> bool:
        asked.append(role)
        return asked.count("app") >= 3

    outcome, _ = play(
        FAILED,
        was_out_of_memory=was_out_of_memory,
        inside={"out_of_memory_kills": 1},
        manifest=limited(),
    )

    assert outcome.status == "out_of_memory"
    assert asked.count("app") == 3


def test_a_kill_that_only_the_inside_tells_of_is_not_believed():
    outcome, _ = play(FAILED, inside={"out_of_memory_kills": 1}, manifest=limited())

    assert outcome.status == "completed"
    assert outcome.limit is None


def test_what_failed_checks_met_is_named_and_decides_nothing():
    outcome, _ = play(FAILED, inside={"process_limit_hits": 4}, manifest=limited())

    assert outcome.status == "completed"
    assert outcome.limit == LimitHit("processes", 32, 32, "processes")


def test_where_everything_passed_nobody_is_asked():
    def usage() -> Usage:
        raise AssertionError("the run waits for nothing that nobody asks for")

    pair, outcome = play_pair(
        ALL_PASSED, inside={"process_limit_hits": 4}, usage=usage, manifest=limited()
    )

    assert outcome.limit is None
    assert b"inside" not in pair.app.sent


def test_the_runners_last_word_is_left_for_the_next_run():
    pair, _ = play_pair([*FAILED, {"type": "idle"}], inside={"open_files": 3}, manifest=limited())

    assert pair.inbox.get_nowait() == ("runner", {"type": "idle"})


def test_an_app_that_said_too_much_is_told_so():
    outcome, _ = play(
        FAILED, app=[UNPACKED, Closed(ProtocolError("size_cap", "x"))], manifest=limited()
    )

    assert outcome.status == "completed"
    assert outcome.limit == LimitHit("output", 512.0, 512.0, "MiB")


def test_an_app_that_is_gone_by_the_time_it_is_asked_was_not_the_learners_doing():
    class Gone(FakeStream):
        def send(self, data: bytes) -> None:
            super().send(data)
            if data.endswith(b'{"type":"inside"}'):
                self.inbox.put((self.role, Closed()))

    inbox: queue.Queue = queue.Queue()
    pair = Pair(
        app=Gone("app", inbox, [UNPACKED]),
        runner=FakeStream("runner", inbox, FAILED),
        inbox=inbox,
        image_digests={},
        packages={},
        was_out_of_memory=lambda _role: False,
    )

    outcome = Session(
        pair=pair,
        request=RunRequest("job", b"submission", b"grader", limited(), 42),
        on_event=lambda _event: None,
        should_stop=lambda: False,
        started_at=time.monotonic(),
    ).run()

    assert outcome.status == "infrastructure_error"
    assert "ended in the midst" in outcome.detail
