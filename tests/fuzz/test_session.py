"""The judge of a run: it believes the runner once, and the app's container never."""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.engine import RunRequest
from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.execution.protocol import ProtocolError, parse_message
from backpath.execution.session import Pair, Session
from backpath.execution.streams import Closed, Inbox
from backpath.grading.scoring import Scored, score_run
from tests.fuzz.fuzzing import fuzz, note
from tests.fuzz.strategies import CHECK_IDS, finished, messages, packed, started
from tests.fuzz.test_results import DEFINITION, check_scored


@dataclass
class Deaf:
    """The input of a container that does what it does, whatever it is told."""

    stderr_tail: str = ""

    def send(self, data: bytes) -> None:
        """Take everything but a question at the end, for which nobody is there."""
        if b'"inside"' in data:
            raise BrokenPipeError


Heard = list[tuple[str, dict[str, Any] | Closed]]


def judged(heard: Heard) -> tuple[RunOutcome, list[Any]]:
    """What a session makes of what two containers said, which then ended; and its events."""
    inbox: Inbox = queue.Queue()
    for item in [*heard, ("runner", Closed())]:
        inbox.put(item)
    events: list[Any] = []
    limits = {"wall_seconds": 60, "check_seconds": 5, "ready_seconds": 5}
    outcome = Session(
        pair=Pair(
            app=Deaf(),
            runner=Deaf(),
            inbox=inbox,
            image_digests={},
            packages={},
            was_out_of_memory=lambda _: False,
        ),
        request=RunRequest("job", b"", b"", {**DEFINITION, "groups": [], "limits": limits}, 1),
        on_event=events.append,
        should_stop=lambda: False,
        started_at=time.monotonic(),
    ).run()
    return outcome, events


def parsed(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those messages that the reader lets through."""
    found = []
    for message in said:
        with suppress(ProtocolError):
            found.append(parse_message(packed(message)))
    return found


honest_runs = st.lists(st.sampled_from(["passed", "passed", "failed"]), min_size=4, max_size=4).map(
    lambda told: (
        [
            message
            for check_id, outcome in zip(CHECK_IDS, told, strict=True)
            for message in (
                {"type": "check_started", "check_id": check_id},
                {
                    "type": "check_finished",
                    "check_id": check_id,
                    "outcome": outcome,
                    "message": "",
                    "duration_ms": 1,
                },
            )
        ]
        + [{"type": "end", "status": "completed", "checks": 4, "detail": "", "app_log_tail": ""}]
    )
)


@fuzz
@given(honest_runs, st.lists(messages | started() | finished(), max_size=4), st.data())
def test_a_session_believes_the_runner_once_and_the_app_never(
    honest: list[dict[str, Any]], strange: list[dict[str, Any]], data: st.DataObject
) -> None:
    said = list(honest)
    for message in strange:
        said.insert(data.draw(st.integers(0, len(said))), message)
    runner: Heard = [("runner", message) for message in parsed(said)]
    outcome, events = judged(runner)

    first: dict[str, str] = {}
    for _, message in runner:
        if isinstance(message, dict) and message["type"] == "check_finished":
            first.setdefault(message["check_id"], message["outcome"])
    assert {check.check_id: check.outcome for check in outcome.checks}.items() <= first.items()
    assert [event for event in events if isinstance(event, CheckFinished)] == outcome.checks
    result = score_run(DEFINITION, outcome)
    note(f"session: {outcome.status}")
    if isinstance(result, Scored):
        check_scored(result)
        assert outcome.status != "completed" or set(first) == set(CHECK_IDS)

    # Whatever the app's container says besides, the verdict stays.
    heard = list(runner)
    for message in parsed(data.draw(st.lists(messages | started() | finished(), max_size=4))):
        if not message.get("error"):
            heard.insert(data.draw(st.integers(0, len(heard))), ("app", message))
    again, _ = judged(heard)
    assert (again.status, again.checks) == (outcome.status, outcome.checks)


@fuzz
@given(honest_runs, st.integers(0, 9))
def test_a_session_fails_nobody_because_the_app_container_ended(
    honest: list[dict[str, Any]], at: int
) -> None:
    heard: Heard = [("runner", message) for message in honest]
    heard.insert(min(at, len(heard)), ("app", Closed()))
    outcome, _ = judged(heard)

    told = [message["outcome"] for message in honest if message["type"] == "check_finished"]
    is_whole = set(told) == {"passed"} and at > 0
    is_over = at >= len(honest)
    expected = "completed" if is_whole or is_over else "infrastructure_error"
    assert outcome.status == expected
