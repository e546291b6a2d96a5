"""Byte streams between runner and app over one pair of pipes: both ends, in this process."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from wire import channels
from wire.channels import (
    CREDIT,
    DATA,
    HEAD,
    OPEN,
    OPENED,
    REFUSED,
    RESET,
    WINDOW,
    Channel,
    Mux,
    PortChannel,
    SocketChannel,
)
from wire.frames import STREAM, FrameError, FrameParser
from wire.loop import READ, Loop, Outbox

SECONDS = 10


class End:
    """One side: a loop in a thread of its own, and its mux."""

    def __init__(self, reading: int, writing: int, accept=None) -> None:
        self.loop = Loop()
        self.mux = Mux(self.loop, Outbox(self.loop, writing), accept)
        self._reading = reading
        self._parser = FrameParser()
        os.set_blocking(reading, False)
        self.loop.watch(reading, READ, self._read)
        self._calls: list[Callable[[], object]] = []
        self._waker, self._wakened = socket.socketpair()
        self.loop.watch(self._wakened.fileno(), READ, self._woken)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def do(self, call: Callable[[], object]) -> object:
        """Call in the loop's thread and return what it returns."""
        done = threading.Event()
        result: list[object] = []

        def wrapped() -> None:
            result.append(call())
            done.set()

        self._calls.append(wrapped)
        self._waker.send(b"x")
        assert done.wait(SECONDS)
        return result[0]

    def close(self) -> None:
        self.do(self.loop.stop)
        self._thread.join(SECONDS)
        self.mux.reset_all("")
        self.loop.close()
        self._waker.close()
        self._wakened.close()

    def _read(self, _events: int) -> None:
        for kind, payload in self._parser.feed(os.read(self._reading, 1 << 16)):
            assert kind == STREAM
            self.mux.feed(payload)

    def _woken(self, _events: int) -> None:
        self._wakened.recv(1)
        self._calls.pop(0)()


@pytest.fixture
def sides() -> Iterator[tuple[End, End]]:
    """The runner's side and the app's, which accepts {"to": "port"} like the agent."""
    to_app, from_runner = os.pipe()
    to_runner, from_app = os.pipe()

    def accept(mux: Mux, number: int, target: dict) -> Channel:
        if target["to"] != "port":
            raise ConnectionRefusedError(None, "nobody of that name")
        return PortChannel(mux, number, int(target["port"]))

    runner, app = End(to_runner, from_runner), End(to_app, from_app, accept)
    yield runner, app
    for end in (runner, app):
        end.close()
    for fd in (to_app, from_runner, to_runner, from_app):
        os.close(fd)


class Opened(SocketChannel):
    """The opener's end, which remembers how it went."""

    def __init__(self, mux: Mux, number: int, sock: socket.socket) -> None:
        self.refusal: str | None = None
        self.settled = threading.Event()
        super().__init__(mux, number, sock, is_open=True)

    def opened(self) -> None:
        self.settled.set()

    def gone(self, reason: str) -> None:
        self.refusal = reason
        self.settled.set()
        super().gone(reason)


def connect(runner: End, target: bytes) -> tuple[socket.socket, Opened]:
    ours, theirs = socket.socketpair()
    ours.settimeout(SECONDS)

    def open_it() -> Opened:
        number = runner.mux.new_number()
        runner.mux.send(number, OPEN, target)
        channel = Opened(runner.mux, number, theirs)
        runner.mux.add(channel)
        return channel

    channel = runner.do(open_it)
    assert isinstance(channel, Opened)
    return ours, channel


def serve(handle: Callable[[socket.socket], None]) -> bytes:
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                handle(connection)

    threading.Thread(target=accept, daemon=True).start()
    return b'{"to": "port", "port": %d}' % listener.getsockname()[1]


def read_all(sock: socket.socket) -> bytes:
    data = bytearray()
    while chunk := sock.recv(1 << 16):
        data += chunk
    return bytes(data)


def test_bytes_go_both_ways_and_ends_are_passed_on(sides):
    target = serve(lambda connection: connection.sendall(read_all(connection)[::-1]))
    sock, _ = connect(sides[0], target)
    with sock:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)

        assert read_all(sock) == b"olleh"


def test_more_than_all_buffers_arrives_whole(sides):
    body = os.urandom(1 << 20) * 5
    target = serve(lambda connection: connection.sendall(read_all(connection)))
    sock, _ = connect(sides[0], target)
    with sock:
        threading.Thread(
            target=lambda: (sock.sendall(body), sock.shutdown(socket.SHUT_WR)), daemon=True
        ).start()

        assert read_all(sock) == body


def test_many_streams_do_not_mix(sides):
    answers = {}
    threads = []
    for number in range(40):
        target = serve(lambda connection: connection.sendall(read_all(connection) * 2000))
        sock, _ = connect(sides[0], target)

        def talk(sock=sock, number=number) -> None:
            with sock:
                sock.sendall(b"%04d" % number)
                sock.shutdown(socket.SHUT_WR)
                answers[number] = read_all(sock)

        threads.append(threading.Thread(target=talk))
        threads[-1].start()
    for thread in threads:
        thread.join(SECONDS)

    assert answers == {number: b"%04d" % number * 2000 for number in range(40)}


def test_nobody_listening_is_a_refusal_with_its_reason(sides):
    sock, channel = connect(sides[0], b'{"to": "port", "port": 1}')
    with sock:
        assert channel.settled.wait(SECONDS)
        assert channel.refusal == "Connection refused"


@pytest.mark.parametrize(
    "target", [b"{}", b"not json", b"[]", b'{"to": "port", "port": "x"}', b'{"to": "me"}']
)
def test_an_address_that_makes_no_sense_is_refused(sides, target):
    sock, channel = connect(sides[0], target)
    with sock:
        assert channel.settled.wait(SECONDS)
        assert channel.refusal


def test_a_reader_who_has_gone_stops_an_endless_writer(sides):
    stopped = threading.Event()

    def write_for_ever(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            stopped.set()

    sock, _ = connect(sides[0], serve(write_for_ever))
    sock.recv(10)
    sock.close()

    assert stopped.wait(SECONDS)


def test_who_does_not_read_is_not_made_to_hold_more_than_a_window(sides):
    sent = []

    def write_until_stuck(connection: socket.socket) -> None:
        connection.setblocking(False)
        total = 0
        quiet = 0
        while quiet < 50:
            try:
                total += connection.send(b"x" * 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                threading.Event().wait(0.01)
        sent.append(total)

    sock, channel = connect(sides[0], serve(write_until_stuck))
    with sock:
        deadline = threading.Event()
        for _ in range(500):
            if sent:
                break
            deadline.wait(0.02)

        assert sent
        assert len(channel._incoming) <= WINDOW


def test_sending_beyond_the_window_ends_the_stream_and_no_more(sides):
    """What a hostile agent would do: ignore the credit that it was given."""
    runner, app = sides
    sock, channel = connect(runner, serve(lambda connection: connection.recv(1)))
    with sock:
        assert channel.settled.wait(SECONDS)
        channel.settled.clear()
        for _ in range(WINDOW // 32768 * 8):
            app.do(lambda: app.mux.send(channel.number, DATA, b"x" * 32768))

        assert channel.settled.wait(SECONDS)
        assert channel.refusal == "more was sent than the window allows"
    other, _ = connect(runner, serve(lambda connection: connection.sendall(b"fine")))
    with other:
        assert read_all(other) == b"fine"


def test_too_many_streams_at_once_are_refused(sides, monkeypatch):
    monkeypatch.setattr(channels, "MAX_CHANNELS", 2)
    release = threading.Event()
    targets = [serve(lambda _connection: release.wait(SECONDS)) for _ in range(3)]
    opened = [connect(sides[0], target) for target in targets]
    try:
        assert opened[2][1].settled.wait(SECONDS)
        assert opened[2][1].refusal == "too many connections at once"
    finally:
        release.set()
        for sock, _ in opened:
            sock.close()


def test_frames_of_streams_that_are_unknown_or_make_no_sense_are_ignored(sides):
    runner, app = sides
    for operation in (OPENED, DATA, RESET, REFUSED, CREDIT, 6, 99):
        app.do(lambda operation=operation: app.mux.send(77, operation, b"1234"))
        runner.do(lambda operation=operation: runner.mux.feed(HEAD.pack(78, operation)))
    runner.do(lambda: runner.mux.feed(b"x"))
    runner.do(lambda: runner.mux.feed(HEAD.pack(5, OPEN) + b'{"to": "port", "port": 1}'))

    sock, _ = connect(runner, serve(lambda connection: connection.sendall(b"still here")))
    with sock:
        assert read_all(sock) == b"still here"


@pytest.mark.parametrize(
    "data",
    [struct.pack(">BI", 9, 0), struct.pack(">BI", 1, 1 << 30), struct.pack(">BI", STREAM, 1 << 20)],
    ids=["unknown-kind", "huge-json", "huge-stream"],
)
def test_a_frame_that_breaks_the_rules_is_refused_by_its_header(data):
    with pytest.raises(FrameError):
        FrameParser().feed(data)


def test_frames_come_out_whatever_the_pieces():
    data = b"".join(struct.pack(">BI", kind, 3) + b"abc" for kind in (1, 2, 3))
    parser = FrameParser()
    found = [frame for byte in data for frame in parser.feed(bytes([byte]))]

    assert found == [(1, b"abc"), (2, b"abc"), (3, b"abc")]
