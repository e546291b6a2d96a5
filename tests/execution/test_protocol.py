"""The hostile reader: whatever a container says, only messages or ProtocolError come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.execution import protocol
from backpath.execution.protocol import (
    FrameReader,
    ProtocolError,
    ResultCollector,
    encode_blob,
    encode_json,
    parse_message,
)
from backpath.execution.text import clean_text

GOLDEN = Path(__file__).parents[2] / "sandbox/protocol/v2/golden"
STARTED = {"type": "check_started", "check_id": "a.one"}
FINISHED = {
    "type": "check_finished",
    "check_id": "a.one",
    "outcome": "passed",
    "message": "",
    "duration_ms": 1,
}


def golden(kind: str) -> list[pytest.param]:
    files = sorted((GOLDEN / kind).glob("*.json"))
    assert files
    return [pytest.param(path.read_bytes(), id=path.stem) for path in files]


@pytest.mark.parametrize("payload", golden("accepted"))
def test_golden_messages_are_accepted_as_they_stand(payload):
    assert parse_message(payload) == json.loads(payload)


@pytest.mark.parametrize("payload", golden("refused"))
def test_golden_mistakes_are_refused(payload):
    with pytest.raises(ProtocolError) as caught:
        parse_message(payload)
    assert caught.value.code in ("schema", "unknown_type")


def test_frames_may_arrive_in_any_pieces():
    data = encode_json(STARTED) + encode_json(FINISHED)
    reader = FrameReader()

    messages = [message for i in range(len(data)) for message in reader.feed(data[i : i + 1])]

    assert messages == [STARTED, FINISHED]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode_blob(b"tar"), "frame_kind"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "frame_kind"),
        (protocol.HEADER.pack(1, protocol.MAX_FRAME_BYTES + 1), "frame_size"),
        (protocol.HEADER.pack(1, 4) + b"{\xff}}", "not_json"),
        (protocol.HEADER.pack(1, 0), "not_json"),
        (encode_json({"type": "service", "seconds": float("nan")}), "not_json"),
        (protocol.HEADER.pack(1, 400_000) + b"[" * 400_000, "not_json"),
        (protocol.HEADER.pack(1, 6) + b'"text"', "unknown_type"),
        (encode_json({"type": ["end"]}), "unknown_type"),
    ],
    ids=[
        "blob",
        "plain-text",
        "oversized",
        "not-utf8",
        "empty",
        "nan",
        "nested",
        "string",
        "list-type",
    ],
)
def test_what_is_no_message_is_refused(data, code):
    with pytest.raises(ProtocolError) as caught:
        list(FrameReader().feed(data))
    assert caught.value.code == code


def test_the_whole_stream_is_capped_whatever_its_frames():
    reader = FrameReader(max_total_bytes=1000)
    frame = encode_json(STARTED)

    for _ in range(1000 // len(frame)):
        assert list(reader.feed(frame)) == [STARTED]

    with pytest.raises(ProtocolError) as caught:
        list(reader.feed(frame))
    assert caught.value.code == "size_cap"


def test_an_oversized_frame_is_refused_before_it_is_buffered():
    reader = FrameReader(max_frame_bytes=100)
    with pytest.raises(ProtocolError):
        list(reader.feed(protocol.HEADER.pack(1, 101)))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_messages_or_a_protocol_error(data):
    try:
        messages = list(FrameReader().feed(data))
    except ProtocolError:
        return
    assert messages == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(sorted((GOLDEN / "accepted").glob("*.json"))),
    st.dictionaries(
        st.sampled_from(
            ["type", "check_id", "outcome", "message", "exchanges", "status", "checks", "packages"]
        ),
        json_values,
        min_size=1,
        max_size=3,
    ),
)
def test_a_mutated_message_gives_a_valid_one_or_a_protocol_error(path, changes):
    payload = json.dumps({**json.loads(path.read_bytes()), **changes}).encode()
    try:
        message = parse_message(payload)
    except ProtocolError:
        return
    # Whatever was accepted is accepted again after cleaning: cleaning breaks no rule.
    assert parse_message(json.dumps(message).encode()) == message


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain\ttext\nkept", "plain\ttext\nkept"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07rest", "rest"),
        ("a\x00b\x07c\x7f", "abc"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("admin\u202e gpj.exe", "admin gpj.exe"),
        ("\ufeffx\u2028y", "xy"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("emoji 🍲 and é stay", "emoji 🍲 and é stay"),
    ],
)
def test_text_is_cleaned(raw, clean):
    assert clean_text(raw) == clean


@given(st.text())
def test_cleaning_is_done_in_one_pass(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert not set(once) & set("\x00\x1b\r\u202e\u2066")


def collector() -> ResultCollector:
    return ResultCollector(["a.one", "a.two"])


def test_a_check_that_never_finished_is_missing():
    results = collector()
    results.start("a.one")
    results.finish(FINISHED)

    assert results.missing == {"a.two"}
    assert results.finished["a.one"].outcome == "passed"


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([("start", "a.three")], "unknown_check"),
        ([("finish", "a.three")], "unknown_check"),
        ([("start", "a.one"), ("start", "a.one")], "duplicate_check"),
        ([("finish", "a.one")], "duplicate_check"),
        ([("start", "a.one"), ("finish", "a.one"), ("finish", "a.one")], "duplicate_check"),
    ],
)
def test_unknown_and_duplicate_verdicts_are_refused(steps, code):
    results = collector()

    def take(step, check_id):
        if step == "start":
            results.start(check_id)
        else:
            results.finish({**FINISHED, "check_id": check_id})

    for step in steps[:-1]:
        take(*step)
    with pytest.raises(ProtocolError) as caught:
        take(*steps[-1])
    assert caught.value.code == code
