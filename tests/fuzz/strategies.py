"""What containers could say, from the honest to the absurd: messages, frames, outcomes."""

from __future__ import annotations

import json
import math
import struct
from itertools import pairwise
from operator import mul
from typing import Any

from hypothesis import strategies as st

from backpath.execution.outcome import (
    CHECK_OUTCOMES,
    LIMIT_KINDS,
    RUN_STATUSES,
    CheckFinished,
    LimitHit,
    RunOutcome,
)
from backpath.execution.protocol import PROTOCOL_VERSION, SCHEMA_PATH

HEADER = struct.Struct(">BI")
MULTIPLEX = struct.Struct(">BxxxI")
CHECK_IDS = ("a.one", "a.two", "b.three", "b.four")
POINTS = {"a.one": 10, "a.two": 20, "b.three": 30, "b.four": 40}

# Text ----------------------------------------------------------------------------------

NASTY = (
    "",
    "\x00",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;javascript:alert(1)\x07",
    "\r\n\r",
    "\u202egpj.exe",
    "\ufeff\u2028\u2029",
    "\ud800",
    "<script>alert(1)</script>",
    "\\",
)
LENGTHS = (399, 400, 401, 4_200, 4_201, 16_400, 16_401)
texts = (
    st.sampled_from(NASTY)
    | st.text(st.characters(), max_size=30)
    | st.builds(mul, st.sampled_from("xé\x00"), st.sampled_from(LENGTHS))
)
numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([-1, 0, 1, 2**31, 2**63, math.nan, math.inf, True, 1.0])
    | st.builds(pow, st.sampled_from([10, -10]), st.sampled_from([19, 400, 401]))
)
junk = st.recursive(
    st.none() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)

# Messages ------------------------------------------------------------------------------

check_ids = st.sampled_from(CHECK_IDS)
strange_ids = st.sampled_from(
    ["", "a.none", "a.one ", "a.one\n", "A.ONE", "a.one\x00", "a\u2024one", "a.one.", "__class__"]
) | st.text(max_size=12)


def _object(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


exchanges = _object(
    {
        "curl": texts,
        "method": st.sampled_from(["GET", "POST", ""]),
        "path": st.just("/articles") | st.text(max_size=20),
        "status": st.none() | st.integers(100, 999),
        "elapsed_ms": st.integers(0, 10**8),
    },
    {
        "response_headers": st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3),
        "response_body": texts,
        "error": st.none() | texts,
    },
)
hellos = _object(
    {
        "type": st.just("hello"),
        "protocol": st.just(PROTOCOL_VERSION),
        "role": st.sampled_from(["app", "runner"]),
        "python": st.just("3.13.5"),
        "packages": st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    },
    {},
)
unpacked = _object(
    {"type": st.just("unpacked"), "files": st.integers(0, 100_000)}, {"error": texts}
)
services = _object(
    {
        "type": st.just("service"),
        "state": st.sampled_from(["starting", "ready", "not_ready"]),
        "group": st.sampled_from(["a", "b"]),
        "seconds": st.floats(0, 100_000) | st.integers(0, 100_000),
    },
    {"detail": texts},
)


def started(ids: st.SearchStrategy[str] = check_ids) -> st.SearchStrategy[dict[str, Any]]:
    """`check_started` messages."""
    return st.fixed_dictionaries({"type": st.just("check_started"), "check_id": ids})


def finished(ids: st.SearchStrategy[str] = check_ids) -> st.SearchStrategy[dict[str, Any]]:
    """`check_finished` messages."""
    return _object(
        {
            "type": st.just("check_finished"),
            "check_id": ids,
            "outcome": st.sampled_from(["passed", "passed", *CHECK_OUTCOMES]),
            "message": st.text(max_size=10),
            "duration_ms": st.integers(0, 10**8),
        },
        {
            "expected": st.none() | texts,
            "actual": st.none() | texts,
            "output": texts,
            "exchanges": st.lists(exchanges, max_size=2),
        },
    )


ends = st.fixed_dictionaries(
    {
        "type": st.just("end"),
        "status": st.sampled_from(
            ["completed", "completed", "app_not_ready", "timed_out", "grader_error"]
        ),
        "checks": st.integers(0, 10_000),
        "detail": st.text(max_size=10),
        "app_log_tail": texts,
    }
)
golden = st.sampled_from(sorted(SCHEMA_PATH.parent.glob("golden/*/*.json"))).map(
    lambda path: json.loads(path.read_bytes())
)
messages = st.one_of(golden, hellos, unpacked, services, started(), finished(), ends)
"""Messages that keep the schema, or break it by the length of a text alone."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value that can be changed, as keys and indexes from the top."""
    found = [path] if path else []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        found += places(item, (*path, key))
    return found


@st.composite
def near_messages(
    draw: st.DrawFn, honest: st.SearchStrategy[dict[str, Any]] = messages
) -> dict[str, Any]:
    """Messages with one thing wrong: a value, a missing key, one too many."""
    message: Any = json.loads(json.dumps(draw(honest)))
    found = places(message)
    if not found:
        return message
    place = draw(st.sampled_from(found))
    holder: Any = message
    for step in place[:-1]:
        holder = holder[step]
    change = draw(st.sampled_from(["replace", "remove", "add", "wrap"]))
    if change == "replace":
        holder[place[-1]] = draw(junk)
    elif change == "remove":
        del holder[place[-1]]
    elif change == "wrap":
        holder[place[-1]] = [holder[place[-1]]]
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(["score", "points", "type ", "__proto__", ""]))] = draw(junk)
    return message


# Bytes ---------------------------------------------------------------------------------


def packed(message: Any, *, is_ascii: bool = True) -> bytes:
    """The JSON of a message; what is no text in UTF-8 comes out as bytes that are not."""
    return json.dumps(message, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


deep_payloads = st.builds(
    mul, st.sampled_from([b"[", b'{"type":']), st.sampled_from([900, 1_100, 60_000])
)
payloads = (
    st.builds(packed, messages | near_messages(), is_ascii=st.booleans())
    | st.sampled_from(
        [
            b"",
            b"{}",
            b'{"type":"end"}' * 2,
            b'{"type":"check_started","check_id":"a.one","check_id":"a.two"}',
            b'{"type":"service","state":"ready","group":"a","seconds":NaN}',
            b'{"type":"service","state":"ready","group":"a","seconds":1e999}',
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            b"\xff\xfe",
        ]
    )
    | deep_payloads
    | st.just(5_000).map(lambda size: b'{"type":' + b"9" * size + b"}")
)


@st.composite
def frames(draw: st.DrawFn, inside: st.SearchStrategy[bytes] = payloads) -> bytes:
    """One frame; seldom of a wrong kind or with a size that lies."""
    payload = draw(inside)
    kind = draw(st.sampled_from([1] * 12 + [0, 2, 3, 4, 255]))
    size = draw(
        st.sampled_from(
            [len(payload)] * 12 + [0, max(0, len(payload) - 1), len(payload) + 1, 2**31]
        )
    )
    return HEADER.pack(kind, size) + payload


@st.composite
def edited(draw: st.DrawFn, data: bytes, *, most: int = 5) -> bytes:
    """`data` with some bytes changed, taken out, doubled or put in, and maybe cut off."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(0, most))):
        if not changed:
            break
        at = draw(st.integers(0, len(changed) - 1))
        span = draw(st.integers(1, 8))
        match draw(st.sampled_from(["set", "flip", "remove", "double", "insert", "cut"])):
            case "set":
                changed[at] = draw(st.integers(0, 255))
            case "flip":
                changed[at] ^= 1 << draw(st.integers(0, 7))
            case "remove":
                del changed[at : at + span]
            case "double":
                changed[at:at] = changed[at : at + span]
            case "insert":
                changed[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "cut":
                del changed[at:]
    return bytes(changed)


@st.composite
def streams_of_bytes(draw: st.DrawFn) -> bytes:
    """What a container may write: frames, mostly whole, sometimes torn, sometimes noise."""
    data = b"".join(draw(st.lists(frames(), max_size=6)))
    return draw(st.just(data) | edited(data) | st.binary(max_size=60))


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` as it may arrive: in pieces of any size, empty ones among them."""
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=8))
    edges = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@st.composite
def multiplexed(draw: st.DrawFn, data: bytes, errors: bytes = b"") -> bytes:
    """`data` and `errors` as the Docker Engine mixes standard output and standard error."""
    mixed = [(1, piece) for piece in draw(pieces(data))]
    at = 0
    for piece in draw(pieces(errors)):
        at = draw(st.integers(at, len(mixed)))
        mixed.insert(at, (2, piece))
        at += 1
    return b"".join(MULTIPLEX.pack(stream, len(piece)) + piece for stream, piece in mixed)


# Outcomes ------------------------------------------------------------------------------

hostile_checks = st.builds(
    CheckFinished,
    check_id=check_ids | strange_ids,
    outcome=st.sampled_from([*CHECK_OUTCOMES, "Passed", "passed ", "PASSED", ""]),
    message=texts,
    expected=st.none() | texts,
    actual=st.none() | texts,
    duration_ms=numbers,
    exchanges=st.lists(exchanges | junk, max_size=7) | junk,
    output=texts,
)
honest_checks = st.builds(
    CheckFinished,
    check_id=check_ids,
    outcome=st.sampled_from(["passed", "failed", "not_reached"]),
    message=texts,
    expected=st.none(),
    actual=st.none(),
    duration_ms=st.integers(0, 1000),
    exchanges=st.just([]),
    output=texts,
)
limits = st.builds(
    LimitHit,
    kind=st.sampled_from([*LIMIT_KINDS, "", "\x00"]),
    limit=numbers,
    used=st.none() | numbers,
    unit=texts,
)


def hostile_outcomes() -> st.SearchStrategy[RunOutcome]:
    """How a run ended, as no honest engine would say it."""
    complete = st.permutations(CHECK_IDS).flatmap(
        lambda ids: st.tuples(
            *(honest_checks.map(lambda check, own=own: _named(check, own)) for own in ids)
        ).map(list)
    )
    return st.builds(
        RunOutcome,
        status=st.sampled_from(["completed"] * 8 + [*RUN_STATUSES, "", "Completed"]),
        checks=complete | st.lists(honest_checks | hostile_checks, max_size=6),
        detail=texts,
        app_log_tail=texts,
        seed=st.integers(),
        timings=st.dictionaries(texts, numbers, max_size=4) | junk,
        image_digests=st.dictionaries(texts, junk, max_size=3) | junk,
        packages=st.dictionaries(texts, junk, max_size=3) | junk,
        origin=st.sampled_from(["warm", "cold", ""]),
        limit=st.none() | limits,
    )


def _named(check: CheckFinished, check_id: str) -> CheckFinished:
    return CheckFinished(**{**vars(check), "check_id": check_id})
