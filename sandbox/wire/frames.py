"""Length-prefixed frames between the platform and the two programs inside the box.

A frame is one byte of kind (1: JSON, 2: blob, 3: stream), four bytes of big-endian length and
the payload. The platform has its own reader, written against the schema in `sandbox/protocol`:
the two sides of the trust boundary share no code.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct(">BI")
JSON, BLOB, STREAM = 1, 2, 3
MAX_JSON_BYTES = 1 << 20
MAX_BLOB_BYTES = 160 << 20
MAX_STREAM_BYTES = 64 << 10
_CAPS = {JSON: MAX_JSON_BYTES, BLOB: MAX_BLOB_BYTES, STREAM: MAX_STREAM_BYTES}


class FrameError(Exception):
    """A frame breaks the rules."""


def encode(kind: int, payload: bytes) -> bytes:
    """Return one whole frame."""
    return HEADER.pack(kind, len(payload)) + payload


def encode_json(message: dict[str, Any]) -> bytes:
    """Return `message` as one whole frame."""
    payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
    return encode(JSON, payload)


def decode_json(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in `payload`. Raises FrameError."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError("expected a JSON object")
    return message


class FrameParser:
    """Cuts a byte stream into (kind, payload) pairs; holds at most one frame in memory."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that `data` completes.

        Raises FrameError for an unknown kind or an oversized frame.
        """
        self._buffer += data
        frames = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, size = HEADER.unpack_from(self._buffer, start)
            cap = _CAPS.get(kind)
            if cap is None:
                raise FrameError(f"unknown frame kind {kind}")
            if size > cap:
                raise FrameError(f"a frame of {size} bytes is over the cap of {cap}")
            end = start + HEADER.size + size
            if len(self._buffer) < end:
                break
            frames.append((kind, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
