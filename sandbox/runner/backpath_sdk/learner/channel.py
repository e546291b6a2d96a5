"""Frames on the suite's end of the socket. Every byte that arrives is the learner's."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any, NoReturn

from backpath_sdk.learner.errors import CannotCross, LearnerGarbled, LearnerGone, LearnerTooSlow
from wire.plain import MAX_NODES

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 16 << 20
CHUNK = 1 << 18


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


class Channel:
    """One connection: sends and receives messages, which are JSON arrays, against the clock."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
        self._decode = json.JSONDecoder(parse_constant=_no_constant).decode
        self.received = 0

    def close(self) -> None:
        """Close the connection; the app's end then ends too."""
        self._socket.close()

    def send(self, message: list[Any], seconds: float) -> None:
        """Send `message` within `seconds`. Raises CannotCross (nothing was sent), LearnerGone or
        LearnerTooSlow."""
        payload = self._encode(message).encode("ascii")
        if len(payload) > MAX_FRAME_BYTES:
            raise CannotCross(
                f"The check passes more than {MAX_FRAME_BYTES >> 20} MB to the learner's code."
            )
        self._socket.settimeout(max(seconds, 0.001))
        try:
            self._socket.sendall(HEADER.pack(len(payload)) + payload)
        except TimeoutError:
            raise LearnerTooSlow("Your code did not take what it was given.") from None
        except OSError:
            raise LearnerGone("The process that runs your code has ended.") from None

    def receive(self, deadline: float) -> list[Any]:
        """Return the next message. `deadline` is a time of the monotonic clock.

        Raises LearnerGone, LearnerTooSlow or LearnerGarbled.
        """
        self._fill(HEADER.size, deadline)
        size = HEADER.unpack_from(self._buffer)[0]
        if size > MAX_FRAME_BYTES:
            raise LearnerGarbled("The process that runs your code sent an answer over the cap.")
        end = HEADER.size + size
        self._fill(end, deadline)
        payload = self._buffer[HEADER.size : end]
        del self._buffer[:end]
        self.received += size
        return self._parse(payload)

    def _parse(self, payload: bytearray) -> list[Any]:
        # An upper bound on the values, taken before there are any: JSON of a few megabytes can
        # unfold to gigabytes.
        nodes = payload.count(b",") + payload.count(b"[") + payload.count(b"{")
        if nodes > 2 * MAX_NODES:
            raise LearnerGarbled("The process that runs your code sent too many values at once.")
        try:
            message = self._decode(payload.decode("ascii"))
        except (ValueError, RecursionError):
            message = None
        if type(message) is not list or len(message) != 3 or type(message[0]) is not str:
            raise LearnerGarbled("The process that runs your code sent something unreadable.")
        return message

    def _fill(self, size: int, deadline: float) -> None:
        buffer = self._buffer
        while len(buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(CHUNK)
            except TimeoutError:
                raise
            except OSError:
                data = b""
            if not data:
                raise LearnerGone("The process that runs your code has ended.")
            buffer += data
