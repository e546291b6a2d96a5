"""Frames on the app's end of the socket: four bytes of big-endian length, then JSON."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

from agent.modules.captured import keep_builtins
from wire.plain import TooLarge

keep_builtins(globals())

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 16 << 20
CHUNK = 1 << 18


class Channel:
    """Sends and receives messages, which are JSON arrays."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._pid = os.getpid()
        self._buffer = bytearray()
        self._encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
        self._decode = json.JSONDecoder().decode

    def send(self, message: list[Any]) -> None:
        """Send `message`. Raises TooLarge, with nothing sent."""
        payload = self._encode(message).encode("ascii")
        if len(payload) > MAX_FRAME_BYTES:
            raise TooLarge(f"it takes more than {MAX_FRAME_BYTES >> 20} MB")
        if os.getpid() != self._pid:
            # A copy that learner code forked has come back from its call: one answer is enough.
            os._exit(0)
        self._socket.sendall(HEADER.pack(len(payload)) + payload)

    def receive(self) -> list[Any] | None:
        """Return the next message, or None once the other end has closed."""
        buffer = self._buffer
        while len(buffer) < HEADER.size:
            if not self._fill():
                return None
        end = HEADER.size + HEADER.unpack_from(buffer)[0]
        while len(buffer) < end:
            if not self._fill():
                return None
        payload = buffer[HEADER.size : end].decode("ascii")
        del buffer[:end]
        message: list[Any] = self._decode(payload)
        return message

    def _fill(self) -> bool:
        data = self._socket.recv(CHUNK)
        self._buffer += data
        return bool(data)
