"""The platform's frame reader and Docker's multiplexing: messages or ProtocolError, no third."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.protocol import (
    HEADER,
    JSON_KIND,
    MAX_STREAM_FRAME_BYTES,
    STREAM_KIND,
    FrameReader,
    ProtocolError,
    StreamPayload,
    parse_message,
)
from backpath.execution.streams import Closed, ContainerStream, Inbox
from backpath.execution.text import clean_text
from tests.fuzz.fuzzing import fuzz, note, threads_report
from tests.fuzz.strategies import (
    edited,
    frames,
    messages,
    multiplexed,
    packed,
    payloads,
    pieces,
    streams_of_bytes,
)

Said = list[dict[str, Any] | bytes]


def read(parts: list[bytes], **caps: int) -> tuple[Said, str | None]:
    """The messages and passed-on bytes in `parts`, and the code of what ended the reading."""
    reader, found = FrameReader(**caps), []
    for part in parts:
        try:
            for message in reader.feed(part):
                found.append(message.data if isinstance(message, StreamPayload) else message)
        except ProtocolError as error:
            note(f"frames: {error.code}")
            return found, error.code
    note(f"frames: {len(found)} whole")
    return found, None


@fuzz
@given(payloads)
def test_a_payload_is_a_message_or_a_protocol_error(payload: bytes) -> None:
    try:
        message = parse_message(payload)
    except ProtocolError as error:
        note(f"message: {error.code}")
        return
    note(f"message: {message['type']}")
    # Cleaning breaks no rule of the schema, and nothing is left to clean.
    again = json.dumps(message, allow_nan=False, ensure_ascii=False).encode()
    assert parse_message(again) == message


@fuzz
@given(st.data())
def test_how_bytes_are_cut_changes_nothing(data: st.DataObject) -> None:
    stream = data.draw(streams_of_bytes())
    whole = read([stream])

    assert read(data.draw(pieces(stream))) == whole
    if len(stream) < 400:
        assert read([stream[i : i + 1] for i in range(len(stream))]) == whole


@fuzz
@given(st.lists(messages, max_size=5), frames(), st.data())
def test_what_was_whole_before_a_fault_has_come_out(
    said: list[dict[str, Any]], fault: bytes, data: st.DataObject
) -> None:
    valid = []
    for message in said:
        try:
            valid.append((message, parse_message(packed(message))))
        except ProtocolError:
            continue
    stream = b"".join(b"\x01%b%b" % (len(p).to_bytes(4), p) for p in (packed(m) for m, _ in valid))

    found, _ = read([stream + data.draw(edited(fault))])

    assert found[: len(valid)] == [cleaned for _, cleaned in valid]


def sizes_of(stream: bytes, count: int) -> list[tuple[int, int]]:
    """Kind and size of the first `count` frames."""
    found, at = [], 0
    for _ in range(count):
        kind, size = HEADER.unpack_from(stream, at)
        found.append((kind, size))
        at += HEADER.size + size
    return found


@fuzz
@given(streams_of_bytes(), st.integers(1, 400), st.integers(1, 800), st.integers(1, 100))
def test_caps_hold_whatever_is_sent(
    stream: bytes, frame_cap: int, total_cap: int, stream_cap: int
) -> None:
    found, _ = read(
        [stream],
        max_frame_bytes=frame_cap,
        max_total_bytes=total_cap,
        max_stream_total_bytes=stream_cap,
    )

    sizes = sizes_of(stream, len(found))
    said = [size for kind, size in sizes if kind == JSON_KIND]
    passed_on = [size for kind, size in sizes if kind == STREAM_KIND]
    assert len(said) + len(passed_on) == len(found)
    assert all(size <= frame_cap for size in said)
    assert sum(said) <= total_cap
    assert all(size <= MAX_STREAM_FRAME_BYTES for size in passed_on)
    assert sum(passed_on) <= stream_cap


class ScriptedSocket:
    """A socket that gives what it is told to, in that order, and then ends."""

    def __init__(self, steps: list[bytes | OSError]) -> None:
        self._steps = steps
        self.started = threading.Event()

    def settimeout(self, seconds: float) -> None:
        """Nothing here waits."""

    def shutdown(self, how: int) -> None:
        """Nobody is at the other end."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def recv(self, most: int) -> bytes:
        """The next bytes; an error of the script is raised."""
        self.started.wait(5)
        while self._steps and self._steps[0] == b"":
            self._steps.pop(0)
        if not self._steps:
            return b""
        step = self._steps.pop(0)
        if isinstance(step, OSError):
            raise step
        if len(step) > most:
            self._steps.insert(0, step[most:])
        return step[:most]


def overheard(steps: list[bytes | OSError]) -> tuple[list[dict[str, Any]], bytes, Closed, str]:
    """What a ContainerStream makes of a socket: messages, bytes passed on, end, standard error."""
    inbox: Inbox = queue.Queue()
    found: list[dict[str, Any]] = []
    passed_on = bytearray()
    script = ScriptedSocket(steps)
    with threads_report():
        stream = ContainerStream("app", script)
        stream.begin_run(inbox, passed_on.extend)
        script.started.set()
        while True:
            role, item = inbox.get(timeout=5)
            assert role == "app"
            if isinstance(item, Closed):
                break
            found.append(item)
        stream.close()
    assert inbox.empty()
    assert stream.is_closed
    note(f"stream: {item.error.code if item.error else 'ended'}")
    return found, bytes(passed_on), item, stream.stderr_tail


@fuzz
@given(st.data())
def test_a_stream_says_what_its_frames_say(data: st.DataObject) -> None:
    said, errors = data.draw(streams_of_bytes()), data.draw(st.binary(max_size=200))
    mixed = data.draw(multiplexed(said, errors))
    steps: list[bytes | OSError] = list(data.draw(pieces(mixed)))
    for _ in range(data.draw(st.integers(0, 3))):
        steps.insert(data.draw(st.integers(0, len(steps))), TimeoutError())

    found, passed_on, end, tail = overheard(steps)

    expected, code = read([said])
    assert found == [item for item in expected if isinstance(item, dict)]
    assert passed_on == b"".join(item for item in expected if isinstance(item, bytes))
    assert (end.error.code if end.error else None) == code
    assert clean_text(tail) == tail
    if code is None:
        assert tail == clean_text(errors.decode("utf-8", "replace"))


@fuzz
@given(st.data())
def test_a_torn_stream_ends_with_what_was_whole(data: st.DataObject) -> None:
    said = data.draw(streams_of_bytes())
    mixed = data.draw(edited(data.draw(multiplexed(said, b"warning"))))
    steps: list[bytes | OSError] = list(data.draw(pieces(mixed)))
    if data.draw(st.booleans()):
        steps.insert(data.draw(st.integers(0, len(steps))), ConnectionResetError())

    found, _, _, tail = overheard(steps)

    assert all(isinstance(message, dict) for message in found)
    assert clean_text(tail) == tail
