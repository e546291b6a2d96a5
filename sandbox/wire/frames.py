"""Length-prefixed frames on a pair of binary streams.

A frame is one byte of kind (1: JSON, 2: blob), four bytes of big-endian length and the payload.
The platform has its own reader, written against the schema in `sandbox/protocol`: the two sides
of the trust boundary share no code.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

HEADER = struct.Struct(">BI")
JSON, BLOB = 1, 2
MAX_JSON_BYTES = 1 << 20
MAX_BLOB_BYTES = 160 << 20


class FrameError(Exception):
    """The stream ended within a frame, or a frame breaks the rules."""


def encode_json(message: dict[str, Any]) -> bytes:
    """Return `message` as one whole frame."""
    payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
    return HEADER.pack(JSON, len(payload)) + payload


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    chunks = []
    while size:
        chunk = stream.read(min(size, 1 << 20))
        if not chunk:
            raise FrameError("the stream ended within a frame")
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def read_frame(stream: BinaryIO) -> tuple[int, bytes] | None:
    """Return the next (kind, payload), or None at a clean end of the stream.

    Raises FrameError for an unknown kind, an oversized frame or a torn one.
    """
    first = stream.read(1)
    if not first:
        return None
    kind, size = HEADER.unpack(first + _read_exactly(stream, HEADER.size - 1))
    cap = {JSON: MAX_JSON_BYTES, BLOB: MAX_BLOB_BYTES}.get(kind)
    if cap is None:
        raise FrameError(f"unknown frame kind {kind}")
    if size > cap:
        raise FrameError(f"a frame of {size} bytes is over the cap of {cap}")
    return kind, _read_exactly(stream, size)


def read_json(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the next frame, which must be a JSON object; None at the end of the stream."""
    frame = read_frame(stream)
    if frame is None:
        return None
    kind, payload = frame
    if kind != JSON:
        raise FrameError("expected a JSON frame")
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError("expected a JSON object")
    return message


def read_blob(stream: BinaryIO) -> bytes:
    """Return the next frame's bytes; it must be a blob."""
    frame = read_frame(stream)
    if frame is None or frame[0] != BLOB:
        raise FrameError("expected a blob frame")
    return frame[1]
