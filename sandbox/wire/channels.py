"""Byte streams side by side over one pair of pipes: how the runner reaches the learner's app.

The two containers share no namespace. What the grader sends to the app travels as STREAM
frames: out of the runner's standard output, through the worker, into the app container's
standard input, and back. The payload of a STREAM frame is four bytes of channel, one byte of
operation and bytes. Each direction of a channel has a window, which the reader widens by CREDIT
as it consumes, so that neither side can be made to hold more than that.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from wire.frames import STREAM, FrameError, decode_json, encode
from wire.loop import READ, WRITE, Loop, Outbox

HEAD = struct.Struct(">IB")
CREDIT_SIZE = struct.Struct(">I")
OPEN, OPENED, REFUSED, DATA, END, RESET, CREDIT = range(7)
WINDOW = 256 << 10
CHUNK = 32 << 10
# Above this, what local sockets have to say waits until the pipe has taken some.
OUTBOX_HIGH = 1 << 20
MAX_CHANNELS = 512

Target = dict[str, object]


class Channel:
    """One stream. The bytes of the other side come to `receive`; `send` is for ours."""

    def __init__(self, mux: Mux, number: int) -> None:
        self.mux = mux
        self.number = number
        self.may_send = WINDOW
        self._may_receive = WINDOW

    # To be overridden --------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes of the other side; `consumed` tells when they are gone."""

    def opened(self) -> None:
        """The other side has accepted."""

    def ended(self) -> None:
        """The other side will send no more."""

    def gone(self, reason: str) -> None:
        """The channel is no more; `reason` is empty after a reset."""

    def credited(self) -> None:
        """The other side can take more."""

    def abandon(self) -> None:
        """Forget descriptors without closing them: this is a forked child."""

    # For the mux and for subclasses --------------------------------------------------------

    def send(self, operation: int, data: bytes = b"") -> None:
        """Send one operation."""
        self.mux.send(self.number, operation, data)

    def take(self, data: bytes) -> None:
        """Count what came in against the window, then hand it on."""
        self._may_receive -= len(data)
        if self._may_receive < 0:
            self.close()
            self.gone("more was sent than the window allows")
        else:
            self.receive(data)

    def consumed(self, size: int) -> None:
        """Let the other side send `size` bytes more."""
        self._may_receive += size
        self.send(CREDIT, CREDIT_SIZE.pack(size))

    def close(self) -> None:
        """Reset the channel and forget it."""
        if self.mux.forget(self):
            self.send(RESET)


class SocketChannel(Channel):
    """A channel that is joined to a local socket."""

    def __init__(self, mux: Mux, number: int, sock: socket.socket, *, is_open: bool) -> None:
        super().__init__(mux, number)
        sock.setblocking(False)
        self._socket = sock
        self._fd = sock.fileno()
        self._incoming = bytearray()
        self._unreported = 0
        # Before the local side is connected nothing is read from it or written to it.
        self._is_open = is_open
        self._has_local_ended = False
        self._has_remote_ended = False
        self._is_deaf = False
        self.watch()

    def watch(self) -> None:
        """Watch the socket for what can be done with it now."""
        if self._fd < 0 or not self._is_open:
            return
        events = 0
        if not self._has_local_ended and self.may_send > 0 and self.mux.has_room:
            events |= READ
        if self._incoming:
            events |= WRITE
        self.mux.loop.watch(self._fd, events, self._ready)

    def local_opened(self) -> None:
        """The local socket is connected: let bytes flow."""
        self._is_open = True
        self._flush()
        self.watch()

    def receive(self, data: bytes) -> None:
        self._incoming += data
        if self._is_open:
            self._flush()
            self.watch()

    def ended(self) -> None:
        self._has_remote_ended = True
        if self._is_open:
            self._flush()
            self.watch()

    def credited(self) -> None:
        self.watch()

    def gone(self, reason: str) -> None:  # noqa: ARG002 - a socket has no room for reasons
        self._drop()

    def abandon(self) -> None:
        self._socket.detach()

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self._fd >= 0:
            self._read()
        self.watch()

    def _read(self) -> None:
        try:
            data = self._socket.recv(min(CHUNK, self.may_send))
        except BlockingIOError:
            return
        except OSError:
            self._abandon()
            return
        if data:
            self.may_send -= len(data)
            self.send(DATA, data)
        else:
            self._has_local_ended = True
            self.send(END)
            self._close_if_over()

    def _flush(self) -> None:
        if self._fd < 0:
            return
        try:
            while self._incoming:
                sent = self._socket.send(self._incoming[:CHUNK])
                del self._incoming[:sent]
                self._unreported += sent
        except BlockingIOError:
            pass
        except OSError:
            # The local side takes no more. It may still have left an answer to be read.
            self._incoming.clear()
            self._is_deaf = self._has_remote_ended = True
        if self._unreported >= WINDOW // 4:
            self.consumed(self._unreported)
            self._unreported = 0
        if self._has_remote_ended and not self._incoming:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._close_if_over()

    def _close_if_over(self) -> None:
        if self._has_local_ended and self._has_remote_ended and not self._incoming:
            if self._is_deaf:
                # The other side may be writing still, for nobody.
                self.close()
            self.mux.forget(self)
            self._drop()

    def _abandon(self) -> None:
        self.close()
        self._drop()

    def _drop(self) -> None:
        if self._fd >= 0:
            self.mux.loop.unwatch(self._fd)
            self._fd = -1
            self._socket.close()


class Mux:
    """All channels of one container.

    `accept` is called for an OPEN of the other side and returns the channel for it, or raises
    OSError with the reason to refuse. The runner opens, the agent accepts.
    """

    def __init__(
        self,
        loop: Loop,
        out: Outbox,
        accept: Callable[[Mux, int, Target], Channel] | None = None,
    ) -> None:
        self.loop = loop
        self._out = out
        self._accept = accept
        self._channels: dict[int, Channel] = {}
        self._next_number = 1
        out.on_drained = self._wake

    @property
    def has_room(self) -> bool:
        """Whether the pipe takes more of what local sockets say."""
        return len(self._out) < OUTBOX_HIGH

    def send(self, number: int, operation: int, data: bytes = b"") -> None:
        """Write one STREAM frame."""
        self._out.write(encode(STREAM, HEAD.pack(number, operation) + data))

    def new_number(self) -> int:
        """Return a channel number that was never used: late frames of old ones find nobody."""
        self._next_number += 1
        return self._next_number

    def add(self, channel: Channel) -> None:
        """Make `channel` known."""
        self._channels[channel.number] = channel

    def forget(self, channel: Channel) -> bool:
        """Drop `channel`; return whether it was known."""
        return self._channels.pop(channel.number, None) is not None

    def reset_all(self, reason: str) -> None:
        """End every channel, telling the other side nothing."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            channel.gone(reason)

    def abandon(self) -> None:
        """Forget every descriptor without closing it: this is a forked child."""
        for channel in self._channels.values():
            channel.abandon()

    def feed(self, payload: bytes) -> None:
        """Take the payload of one STREAM frame; what makes no sense is ignored or refused."""
        if len(payload) < HEAD.size:
            return
        number, operation = HEAD.unpack_from(payload)
        data = payload[HEAD.size :]
        if operation == OPEN:
            self._open(number, data)
            return
        channel = self._channels.get(number)
        if channel is None:
            return
        if operation == DATA:
            channel.take(data)
        elif operation == OPENED:
            channel.opened()
        elif operation == END:
            channel.ended()
        elif operation == CREDIT and len(data) == CREDIT_SIZE.size:
            channel.may_send += CREDIT_SIZE.unpack(data)[0]
            channel.credited()
        elif operation in (REFUSED, RESET):
            self.forget(channel)
            channel.gone(data.decode("utf-8", "replace")[:400])

    def _open(self, number: int, data: bytes) -> None:
        if self._accept is None or number in self._channels:
            return
        if len(self._channels) >= MAX_CHANNELS:
            self.send(number, REFUSED, b"too many connections at once")
            return
        try:
            self.add(self._accept(self, number, decode_json(data)))
        except (OSError, FrameError, ValueError, KeyError, TypeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.send(number, REFUSED, reason.encode()[:400])

    def _wake(self) -> None:
        for channel in list(self._channels.values()):
            channel.credited()


class PortChannel(SocketChannel):
    """A channel to a TCP port of the loopback interface."""

    def __init__(self, mux: Mux, number: int, port: int) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(mux, number, sock, is_open=False)
        state = sock.connect_ex(("127.0.0.1", port))
        if state not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(state, os.strerror(state))
        mux.loop.watch(self._fd, WRITE, self._connected)

    def _connected(self, _events: int) -> None:
        state = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.mux.loop.unwatch(self._fd)
        if state:
            self.mux.forget(self)
            self.send(REFUSED, os.strerror(state).encode())
            self._drop()
            return
        self.send(OPENED)
        self.local_opened()
