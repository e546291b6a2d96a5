"""The readers inside the box: the runner hears bytes that learner code had a hand in."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzzing import fuzz, note
from tests.fuzz.strategies import HEADER, edited, frames, payloads, pieces
from wire.channels import (
    CREDIT,
    CREDIT_SIZE,
    DATA,
    END,
    HEAD,
    OPEN,
    OPENED,
    REFUSED,
    RESET,
    WINDOW,
    Mux,
    SocketChannel,
    Target,
)
from wire.frames import FrameError, FrameParser, decode_json, encode
from wire.loop import Loop, Outbox

Frames = list[tuple[int, bytes]]
NUMBER = 7


def parse(parts: list[bytes]) -> tuple[Frames, bool]:
    """The frames in `parts`, and whether a FrameError ended the reading."""
    parser, found = FrameParser(), []
    for part in parts:
        try:
            found += parser.feed(part)
        except FrameError:
            note("box: FrameError")
            return found, True
    note("box: frames")
    return found, False


@fuzz
@given(st.data())
def test_frames_are_the_bytes_that_came(data: st.DataObject) -> None:
    stream = data.draw(st.lists(frames(), max_size=5).map(b"".join).flatmap(edited))

    found, is_broken = parse([stream])
    in_pieces, is_broken_in_pieces = parse(data.draw(pieces(stream)))

    assert is_broken_in_pieces == is_broken
    # A broken feed gives nothing; what earlier pieces had completed was given already.
    assert is_broken or in_pieces == found
    whole = b"".join(encode(kind, payload) for kind, payload in in_pieces)
    assert stream.startswith(whole)


@fuzz
@given(payloads)
def test_a_payload_is_an_object_or_a_frame_error(payload: bytes) -> None:
    try:
        message = decode_json(payload)
    except FrameError:
        note("box: no object")
    else:
        assert isinstance(message, dict)


@fuzz
@given(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=20))
def test_a_header_is_refused_or_waited_for(kind: int, size: int, payload: bytes) -> None:
    try:
        found = FrameParser().feed(HEADER.pack(kind, size) + payload)
    except FrameError:
        assert kind not in {1, 2, 3} or size > 64 << 10
    else:
        assert found == ([(kind, payload[:size])] if size <= len(payload) else [])


class Box:
    """A Mux with one local socket, whose other end the test holds."""

    def __init__(self, accepts: bool) -> None:
        self.loop = Loop()
        self.reading, writing = os.pipe()
        self.writing = writing
        self.mux = Mux(self.loop, Outbox(self.loop, writing), self.accept if accepts else None)
        self.local, ours = socket.socketpair()
        self.local.setblocking(False)
        self.accepted: list[socket.socket] = []
        self.mux.add(SocketChannel(self.mux, NUMBER, ours, is_open=True))
        self.ours = ours
        self.parser = FrameParser()

    def accept(self, mux: Mux, number: int, target: Target) -> SocketChannel:
        """Join a channel to a new socket if the target says a port."""
        if not isinstance(target["port"], int):
            raise OSError(22, "a port is a number")
        theirs, ours = socket.socketpair()
        self.accepted += [theirs, ours]
        return SocketChannel(mux, number, ours, is_open=True)

    def tick(self) -> None:
        """Let the loop do what is ready."""
        self.loop.call_later(0, self.loop.stop)
        self.loop.run()

    def said(self) -> list[tuple[int, int]]:
        """The channel and operation of the frames that the Mux has written since last asked."""
        os.set_blocking(self.reading, False)
        found: list[tuple[int, int]] = []
        while True:
            try:
                data = os.read(self.reading, 1 << 16)
            except BlockingIOError:
                return found
            found += [HEAD.unpack_from(frame) for _, frame in self.parser.feed(data)]

    def heard(self) -> bytes:
        """What has come out at the local socket."""
        found = bytearray()
        while True:
            try:
                data = self.local.recv(1 << 16)
            except (BlockingIOError, ConnectionResetError):
                return bytes(found)
            if not data:
                return bytes(found)
            found += data


@contextmanager
def box(*, accepts: bool) -> Iterator[Box]:
    """A box that is closed afterwards, whatever state it is in."""
    made = Box(accepts)
    try:
        yield made
    finally:
        made.mux.reset_all("over")
        for sock in (made.local, made.ours, *made.accepted):
            sock.close()
        made.loop.close()
        os.close(made.reading)
        os.close(made.writing)


def operations() -> st.SearchStrategy[bytes]:
    """Payloads of STREAM frames: operations in any order, on known and unknown channels."""
    numbers = st.sampled_from([NUMBER, NUMBER, NUMBER, 0, 1, 2**32 - 1])
    known = st.sampled_from([OPEN, OPENED, REFUSED, DATA, DATA, DATA, END, RESET, CREDIT])
    contents = st.one_of(
        st.binary(max_size=40),
        st.sampled_from([1, 4096, WINDOW // 2, WINDOW, WINDOW + 1]).map(bytes),
        st.integers(0, 2**32 - 1).map(CREDIT_SIZE.pack),
        st.sampled_from([b'{"port": 80}', b'{"port": "x"}', b'{"to": "\\ud800"}', b"[]", b"{"]),
    )
    return st.builds(
        lambda number, operation, content: HEAD.pack(number, operation) + content,
        numbers,
        known | st.integers(0, 255),
        contents,
    ) | st.binary(max_size=12)


@settings(fuzz, max_examples=150)
@given(st.lists(operations(), max_size=12), st.booleans(), st.data())
def test_no_operation_breaks_the_channels(
    said: list[bytes], accepts: bool, data: st.DataObject
) -> None:
    sent = bytearray()
    heard = bytearray()
    is_over = False
    with box(accepts=accepts) as made:
        for payload in said:
            made.mux.feed(payload)
            number, operation = HEAD.unpack_from(payload.ljust(HEAD.size, b"\xff"))
            if number == NUMBER and operation == DATA and not is_over:
                sent += payload[HEAD.size :]
            # From a reset on, of either side, nothing more is taken.
            is_over = is_over or (number == NUMBER and operation in (RESET, REFUSED))
            if data.draw(st.booleans()):
                made.tick()
            if data.draw(st.booleans()):
                heard += made.heard()
            answers = made.said()
            assert all(operation <= CREDIT for _, operation in answers)
            is_over = is_over or (NUMBER, RESET) in answers
            # Never more than the windows on the way waits here, whatever the other side sends.
            assert is_over or len(sent) - len(heard) <= 2 * WINDOW
        made.tick()
        heard += made.heard()
        assert sent.startswith(heard)


def test_more_than_the_window_ends_the_channel_with_a_reset() -> None:
    with box(accepts=False) as made:
        made.mux.feed(HEAD.pack(NUMBER, DATA) + bytes(WINDOW + 1))

        assert made.said() == [(NUMBER, RESET)]
        made.tick()
        assert made.heard() == b""
        with pytest.raises(BrokenPipeError):
            made.local.send(b"x")
