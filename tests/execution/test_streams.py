"""Docker's multiplexed streams, torn and hostile."""

from __future__ import annotations

import queue
import socket
import struct

import pytest

from backpath.execution import streams
from backpath.execution.protocol import encode_json
from backpath.execution.streams import Closed, ContainerStream

STARTED = {"type": "check_started", "check_id": "a.one"}


def multiplexed(payload: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(payload)) + payload


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    inbox: queue.Queue = queue.Queue()
    stream = ContainerStream("app", ours, inbox)
    yield stream, theirs, inbox
    stream.close()
    theirs.close()


def closed_error(inbox: queue.Queue):
    role, item = inbox.get(timeout=5)
    assert role == "app"
    assert isinstance(item, Closed)
    return item.error


def test_messages_come_out_whatever_the_pieces(ends):
    _, theirs, inbox = ends
    frame = encode_json(STARTED)
    for byte in multiplexed(frame[:7]) + multiplexed(frame[7:]):
        theirs.sendall(bytes([byte]))

    assert inbox.get(timeout=5) == ("app", STARTED)


def test_standard_error_is_kept_for_operators_and_cleaned(ends):
    stream, theirs, inbox = ends
    theirs.sendall(multiplexed(b"x" * 20_000 + b"\x1b[31mlast words\x00", 2))
    theirs.sendall(multiplexed(encode_json(STARTED)))
    inbox.get(timeout=5)

    assert stream.stderr_tail.endswith("xlast words")
    assert len(stream.stderr_tail) <= 8192


def test_the_end_of_the_stream_is_told(ends):
    _, theirs, inbox = ends
    theirs.sendall(multiplexed(encode_json(STARTED))[:9])
    theirs.close()

    assert closed_error(inbox) is None


@pytest.mark.parametrize(
    ("payload", "stream", "code"),
    [(b"not a frame at all", 1, "frame_kind"), (b"x" * 1000, 2, "size_cap")],
)
def test_a_broken_stream_is_given_up(ends, monkeypatch, payload, stream, code):
    monkeypatch.setattr(streams, "MAX_STDERR_BYTES", 100)
    _, theirs, inbox = ends
    theirs.sendall(multiplexed(payload, stream))

    assert closed_error(inbox).code == code


def test_what_is_sent_arrives(ends):
    stream, theirs, _ = ends
    stream.send(b"job")

    assert theirs.recv(10) == b"job"


def test_closing_ends_the_containers_standard_input(ends):
    stream, theirs, inbox = ends
    stream.close()

    assert theirs.recv(10) == b""
    assert closed_error(inbox) is None
