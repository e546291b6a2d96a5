"""From a runner's bytes to a score: nothing earns a point but a check's one honest `passed`."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.execution.protocol import FrameReader, ProtocolError, ResultCollector
from backpath.grading.scoring import (
    EARLY_VERDICTS,
    LEARNER_OUTCOMES,
    PLATFORM_STATUSES,
    PlatformFault,
    Scored,
    score_run,
)
from backpath.grading.text import (
    MAX_INTEGER,
    MESSAGE_LIMIT,
    OUTPUT_LIMIT,
    VALUE_LIMIT,
    clean_exchanges,
    clean_integer,
    clean_mapping,
    clean_optional,
    clean_text,
    clean_timings,
)
from tests.fuzz.fuzzing import fuzz, note
from tests.fuzz.strategies import (
    CHECK_IDS,
    HEADER,
    POINTS,
    check_ids,
    edited,
    ends,
    finished,
    hostile_outcomes,
    junk,
    messages,
    near_messages,
    numbers,
    packed,
    started,
    strange_ids,
    texts,
)

DEFINITION = {
    "checks": [
        {
            "id": check_id,
            "title": check_id,
            "points": POINTS[check_id],
            "blocking": check_id == "a.one",
            "hidden": check_id == "b.four",
        }
        for check_id in CHECK_IDS
    ],
    "pass_score": 80,
}
NOTICE_LENGTH = 60


def check_storable(value: Any) -> None:
    """What a database and a page can take: strict JSON, and no text that is not clean."""
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    if isinstance(value, str):
        assert clean_text(value, limit=len(value)) == value
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key)
            check_storable(item)
    elif isinstance(value, list):
        for item in value:
            check_storable(item)
    elif isinstance(value, int):
        assert 0 <= value <= MAX_INTEGER


def check_scored(scored: Scored) -> None:
    """The report adds up, by the definition alone, and can be stored."""
    assert [check.check_id for check in scored.checks] == list(CHECK_IDS)
    assert scored.score == sum(check.points for check in scored.checks)
    assert scored.max_score == sum(POINTS.values())
    assert sum(scored.counts.values()) == len(CHECK_IDS)
    for check in scored.checks:
        assert check.outcome in LEARNER_OUTCOMES
        assert check.points == (POINTS[check.check_id] if check.outcome == "passed" else 0)
        assert len(check.message) <= MESSAGE_LIMIT + NOTICE_LENGTH
        assert len(check.output) <= OUTPUT_LIMIT + NOTICE_LENGTH
        assert len(check.expected or "") <= VALUE_LIMIT + NOTICE_LENGTH
        if check.check_id == "b.four":
            assert (check.expected, check.actual, check.exchanges, check.output) == (
                None,
                None,
                [],
                "",
            )
        check_storable(vars(check))
    if scored.verdict == "passed":
        outcomes = {check.check_id: check.outcome for check in scored.checks}
        assert scored.score * 100 >= DEFINITION["pass_score"] * scored.max_score
        assert outcomes["a.one"] == "passed"


@fuzz
@given(hostile_outcomes())
def test_no_outcome_earns_more_than_its_checks_say(outcome: RunOutcome) -> None:
    result = score_run(DEFINITION, outcome)

    by_id = [check.check_id for check in outcome.checks]
    is_sound = (
        set(by_id) <= set(CHECK_IDS)
        and len(by_id) == len(set(by_id))
        and all(check.outcome in LEARNER_OUTCOMES for check in outcome.checks)
    )
    is_complete = set(by_id) == set(CHECK_IDS)
    if isinstance(result, PlatformFault):
        note(f"results: {result.code}")
        assert not (is_sound and is_complete and outcome.status == "completed")
        return
    note(f"results: {result.verdict}")
    check_scored(result)
    assert is_sound
    assert outcome.status not in PLATFORM_STATUSES
    assert is_complete or result.verdict == EARLY_VERDICTS[outcome.status]
    assert result.score == sum(
        POINTS[check.check_id] for check in outcome.checks if check.outcome == "passed"
    )


@fuzz
@given(texts | junk, st.integers(0, 40) | st.just(4_000), st.sampled_from(["start", "end"]))
def test_cleaned_text_is_clean_and_bounded(value: Any, limit: int, keep: Any) -> None:
    text = clean_text(value, limit=limit, keep=keep)

    check_storable(text)
    assert len(text) <= limit + NOTICE_LENGTH
    assert clean_optional(None, limit=limit) is None


@fuzz
@given(junk | numbers)
def test_cleaned_values_can_be_stored(value: Any) -> None:
    assert 0 <= clean_integer(value) <= MAX_INTEGER
    check_storable(clean_exchanges(value))
    check_storable(clean_exchanges([value, {"status": value, "response_headers": value}]))
    check_storable(clean_mapping(value, limit=100, entries=5))
    check_storable(clean_mapping({"key": value}, limit=100, entries=5))
    for timings in (clean_timings(value), clean_timings({"total": value})):
        assert all(math.isfinite(seconds) and seconds >= 0 for seconds in timings.values())


class ResultsMachine(RuleBasedStateMachine):
    """A runner that says anything, a platform that listens as a session does, and a score.

    What the runner may at most have earned is kept beside it, by a rule of its own: the first
    `check_finished` of a check that was started, in a stream that nothing has broken yet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    @precondition(lambda self: not self.is_listening)
    @rule()
    def begin(self) -> None:
        """Another run."""
        self.reader = FrameReader()
        self.collector = ResultCollector(list(CHECK_IDS))
        self.open: set[str] = set()
        self.told: dict[str, str] = {}
        self.fault: str | None = None
        self.end: str | None = None
        self.is_whole = True

    @property
    def is_listening(self) -> bool:
        """Whether the platform still believes this runner."""
        return self.fault is None and self.end is None

    def hear(self, data: bytes) -> None:
        """Feed the reader; take what comes out as a session does."""
        try:
            for message in self.reader.feed(data):
                self.take(message)
                if self.end is not None:
                    return
        except ProtocolError as error:
            self.fault = error.code
            note(f"results: {error.code}")

    def take(self, message: dict[str, Any]) -> None:
        """Book one message, in the collector and in the machine's own count."""
        if message["type"] == "check_started":
            self.collector.start(message["check_id"])
            assert message["check_id"] not in self.open
            self.open.add(message["check_id"])
        elif message["type"] == "check_finished":
            result = self.collector.finish(message)
            assert isinstance(result, CheckFinished)
            assert result.check_id in self.open
            assert result.check_id not in self.told
            self.told[result.check_id] = message["outcome"]
        elif message["type"] == "end":
            self.end = message["status"]

    def say(self, payload: bytes) -> None:
        """One whole frame of the runner's."""
        self.hear(HEADER.pack(1, len(payload)) + payload)

    def run_check(self, check_id: str, outcome: str) -> None:
        """A check from start to end, as the honest runner reports it."""
        self.say(packed({"type": "check_started", "check_id": check_id}))
        if self.is_listening:
            self.say(
                packed(
                    {
                        "type": "check_finished",
                        "check_id": check_id,
                        "outcome": outcome,
                        "message": "",
                        "duration_ms": 1,
                    }
                )
            )

    @precondition(lambda self: self.is_listening and len(self.open) < len(CHECK_IDS))
    @rule(outcome=st.sampled_from(["passed", "passed", "failed", "not_reached"]))
    def next_check(self, outcome: str) -> None:
        """The next check in order."""
        self.run_check(next(own for own in CHECK_IDS if own not in self.open), outcome)
        assert self.fault is None or not self.is_whole

    @precondition(lambda self: self.is_listening)
    @rule(message=started(check_ids | strange_ids) | finished(check_ids | strange_ids))
    def check_out_of_turn(self, message: dict[str, Any]) -> None:
        """A start or an end of any check, known or not, again or for the first time."""
        self.say(packed(message))

    @precondition(lambda self: self.is_listening)
    @rule(message=near_messages(started() | finished() | ends) | messages)
    def something_else(self, message: Any) -> None:
        """A message of another kind, or nearly one."""
        self.say(packed(message))

    @precondition(lambda self: self.is_listening)
    @rule(message=finished(), data=st.data())
    def torn(self, message: dict[str, Any], data: st.DataObject) -> None:
        """Bytes that were a frame."""
        payload = packed(message)
        self.is_whole = False
        self.hear(data.draw(edited(HEADER.pack(1, len(payload)) + payload)))

    @precondition(lambda self: self.is_listening)
    @rule(message=ends)
    def ends(self, message: dict[str, Any]) -> None:
        """The last frame."""
        self.say(packed(message))

    @invariant()
    def the_score_is_what_was_told(self) -> None:
        """Whenever the stream stops, it is worth what its honest frames said, or nothing."""
        status = self.end or "timed_out"
        if self.fault or (status == "completed" and self.collector.missing):
            status = "infrastructure_error"
        outcome = RunOutcome(
            status=status,
            checks=list(self.collector.finished.values()),
            detail="",
            app_log_tail="",
            seed=0,
            timings={},
            image_digests={},
            packages={},
        )
        result = score_run(DEFINITION, outcome)
        assert self.collector.missing == set(CHECK_IDS) - set(self.told)
        if isinstance(result, PlatformFault):
            assert self.fault or status in PLATFORM_STATUSES or "grader_error" in self.told.values()
            return
        check_scored(result)
        assert result.score == sum(
            POINTS[check_id] for check_id, told in self.told.items() if told == "passed"
        )
        assert result.verdict != "passed" or set(self.told) == set(CHECK_IDS)


TestResults = ResultsMachine.TestCase
TestResults.settings = settings(fuzz, max_examples=60, stateful_step_count=14)
