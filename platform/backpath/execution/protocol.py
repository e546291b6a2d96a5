"""Reading what a container says, on the assumption that it lies.

The writers are inside the box (`sandbox/`); this side shares only the JSON Schema with them.
Nothing but ProtocolError comes out of any input.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from backpath.execution.outcome import CheckFinished
from backpath.execution.text import clean_text

PROTOCOL_VERSION = 2
SCHEMA_PATH = Path(__file__).parents[3] / "sandbox/protocol/v2/frames.schema.json"
HEADER = struct.Struct(">BI")
JSON_KIND, BLOB_KIND, STREAM_KIND = 1, 2, 3
MAX_FRAME_BYTES = 1 << 20
MAX_TOTAL_BYTES = 32 << 20
MAX_STREAM_FRAME_BYTES = 64 << 10
# What runner and app may say to each other in one run.
MAX_STREAM_TOTAL_BYTES = 512 << 20


class ProtocolError(Exception):
    """The container broke the protocol; `code` is stable, the text is for operators."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


def encode_json(message: dict[str, Any]) -> bytes:
    """Return `message` as a frame for a container."""
    payload = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(JSON_KIND, len(payload)) + payload


def encode_blob(data: bytes) -> bytes:
    """Return `data` as a frame for a container."""
    return HEADER.pack(BLOB_KIND, len(data)) + data


def encode_stream(payload: bytes) -> bytes:
    """Return bytes between runner and app, which nobody here looks into, as a frame."""
    return HEADER.pack(STREAM_KIND, len(payload)) + payload


def load_schema() -> None:
    """Read the schema now rather than with the first message. Raises OSError or ValueError."""
    _validators()


@cache
def _validators() -> dict[str, jsonschema.protocols.Validator]:
    """Return one validator per message type: a hundred times cheaper to blame than `oneOf`."""
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    names = [entry["$ref"].rsplit("/", 1)[1] for entry in schema["oneOf"]]
    return {
        name: jsonschema.Draft202012Validator(
            {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]},
        )
        for name in names
    }


def _refuse_constant(name: str) -> None:
    # Python's reader takes them, and no comparison with a limit is true of NaN.
    raise ValueError(f"{name} is not JSON")


def parse_message(payload: bytes) -> dict[str, Any]:
    """Return the validated, cleaned message in `payload`. Raises ProtocolError."""
    try:
        message = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not_json", str(error)[:200]) from None
    kind = message.get("type") if isinstance(message, dict) else None
    validator = _validators().get(kind) if isinstance(kind, str) else None
    if validator is None:
        raise ProtocolError("unknown_type", repr(kind)[:100])
    try:
        flaw = next(validator.iter_errors(message), None)
    except RecursionError:
        raise ProtocolError("schema", "nested too deeply") from None
    if flaw is not None:
        where = "/".join(str(part)[:60] for part in flaw.absolute_path)
        raise ProtocolError("schema", f"{kind}: {where}: {flaw.message[:200]}")
    cleaned: dict[str, Any] = _clean(message)
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


@dataclass(frozen=True)
class StreamPayload:
    """The payload of a STREAM frame: bytes between runner and app, to be passed on unread."""

    data: bytes


class FrameReader:
    """Cuts a byte stream into messages; holds at most one frame in memory.

    The caps in all count from the last `begin_run`.
    """

    def __init__(
        self,
        *,
        max_frame_bytes: int = MAX_FRAME_BYTES,
        max_total_bytes: int = MAX_TOTAL_BYTES,
        max_stream_total_bytes: int = MAX_STREAM_TOTAL_BYTES,
    ) -> None:
        self._buffer = bytearray()
        self._max_frame_bytes = {
            JSON_KIND: max_frame_bytes,
            STREAM_KIND: MAX_STREAM_FRAME_BYTES,
        }
        self._caps = {JSON_KIND: max_total_bytes, STREAM_KIND: max_stream_total_bytes}
        self._left = dict(self._caps)

    def begin_run(self) -> None:
        """Count anew."""
        self._left = dict(self._caps)

    def feed(self, data: bytes) -> Iterator[dict[str, Any] | StreamPayload]:
        """Yield the messages that `data` completes. Raises ProtocolError."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= HEADER.size:
                kind, size = HEADER.unpack_from(self._buffer, start)
                end = start + HEADER.size + size
                if len(self._buffer) < end:
                    # Refused by its header alone, before it is here.
                    self._check(kind, size)
                    return
                self._count(kind, size)
                payload = bytes(self._buffer[start + HEADER.size : end])
                start = end
                yield StreamPayload(payload) if kind == STREAM_KIND else parse_message(payload)
        finally:
            del self._buffer[:start]

    def _check(self, kind: int, size: int) -> None:
        cap = self._max_frame_bytes.get(kind)
        if cap is None:
            raise ProtocolError("frame_kind", f"kind {kind}")
        if size > cap:
            raise ProtocolError("frame_size", f"{size} bytes")
        if HEADER.size + size > self._left[kind]:
            raise ProtocolError("size_cap", f"more than {self._caps[kind]} bytes in all")

    def _count(self, kind: int, size: int) -> None:
        self._check(kind, size)
        self._left[kind] -= HEADER.size + size


class ResultCollector:
    """Accepts the runner's verdicts, one for each expected check and no more.

    A missing, duplicate or unknown id never passes: the last two raise ProtocolError here, the
    first shows in `missing`.
    """

    def __init__(self, expected_ids: list[str]) -> None:
        self._expected = frozenset(expected_ids)
        self._started: set[str] = set()
        self.finished: dict[str, CheckFinished] = {}

    @property
    def missing(self) -> frozenset[str]:
        """The expected checks that have no verdict."""
        return self._expected - self.finished.keys()

    def start(self, check_id: str) -> None:
        """Note that a check runs."""
        self._require_known(check_id)
        if check_id in self._started:
            raise ProtocolError("duplicate_check", f"{check_id} started twice")
        self._started.add(check_id)

    def finish(self, message: dict[str, Any]) -> CheckFinished:
        """Return the verdict in a `check_finished` message."""
        check_id = message["check_id"]
        self._require_known(check_id)
        if check_id not in self._started or check_id in self.finished:
            raise ProtocolError("duplicate_check", f"{check_id} finished twice or unasked")
        result = CheckFinished(
            check_id=check_id,
            outcome=message["outcome"],
            message=message["message"],
            expected=message.get("expected"),
            actual=message.get("actual"),
            duration_ms=message["duration_ms"],
            exchanges=message.get("exchanges", []),
            output=message.get("output", ""),
        )
        self.finished[check_id] = result
        return result

    def _require_known(self, check_id: str) -> None:
        if check_id not in self._expected:
            raise ProtocolError("unknown_check", check_id)
