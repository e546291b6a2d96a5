"""Bytes that no honest process would send: each ends in a typed error, soon, and the next question
goes to a new process."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backpath_sdk.expectations import CheckFailed
from backpath_sdk.learner import Limits
from backpath_sdk.learner.errors import (
    LearnerGarbled,
    LearnerGone,
    LearnerTooLarge,
    LearnerTooSlow,
)
from backpath_sdk.learner.session import Session

Answer = Callable[[Any], list[bytes]]


def frame(message: Any) -> bytes:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">I", len(payload)) + payload


class FakeApp:
    """Answers every question with the same bytes, one pair of sockets after the other."""

    def __init__(self, *answers: bytes, then_close: bool = False) -> None:
        self._answers = answers
        self._then_close = then_close
        self.asked: list[Any] = []
        self.connections = 0
        self._sockets: list[socket.socket] = []

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.connections += 1
        self._sockets.append(theirs)
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, sock: socket.socket) -> None:
        try:
            stream = sock.makefile("rb")
            for answer in self._answers:
                head = stream.read(4)
                if not head:
                    return
                self.asked.append(json.loads(stream.read(struct.unpack(">I", head)[0])))
                sock.sendall(answer)
            if self._then_close:
                sock.close()
        except OSError:
            pass

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


@pytest.fixture
def make_session() -> Iterator[Callable[..., tuple[Session, FakeApp]]]:
    made: list[tuple[Session, FakeApp]] = []

    def make(*answers: bytes, then_close: bool = False, **limits: Any) -> tuple[Session, FakeApp]:
        app = FakeApp(*answers, then_close=then_close)
        session = Session(app.connect, Limits(**({"call_seconds": 3.0} | limits)))
        session.begin_test()
        made.append((session, app))
        return session, app

    yield make
    for session, app in made:
        session.close()
        app.close()


def tree(value: Any) -> bytes:
    return frame(["r", value, None])


CLASS = {
    "id": 7,
    "name": "K",
    "qualname": "K",
    "module": "m",
    "doc": None,
    "bases": [],
    "base": None,
    "exception": False,
    "enum": False,
    "specials": [],
    "methods": [],
    "own": True,
}
UNREADABLE = {
    "not-json": frame(b"{"),
    "not-ascii": frame(b'["r", "\xff", null]'),
    "nan": frame(b'["r", NaN, null]'),
    "infinity": frame(b'["r", -Infinity, null]'),
    "object": frame({"r": 1}),
    "two-parts": frame(["r", 1]),
    "four-parts": frame(["r", 1, None, 2]),
    "kind-no-text": frame([1, 1, None]),
    "unknown-kind": frame(["z", 1, None]),
    "deep": frame(b"[" * 200_000 + b"]" * 200_000),
    "deep-value": tree(json.loads("[" * 500 + "]" * 500)),
    "many-values": frame(b'["r", [' + b"[]," * 3_000_000 + b"[]], null]"),
    "long-number": frame(b'["r", ' + b"9" * 100_000 + b", null]"),
    "huge-frame": struct.pack(">I", 1 << 31),
    "long-text": tree("x" * (5 << 20)),
    "unknown-tag": tree({"zz": 1}),
    "two-tags": tree({"t": [], "s": []}),
    "no-tag": tree({}),
    "unhashable-key": tree({"d": [[1], 2]}),
    "odd-dict": tree({"d": [1]}),
    "unhashable-item": tree({"s": [[1]]}),
    "bad-base64": tree({"y": "*"}),
    "huge-int": tree({"i": "f" * 200_000}),
    "no-int": tree({"i": "zz"}),
    "bad-float": tree({"f": "1.5"}),
    "huge-decimal": tree({"D": "1e999999"}),
    "zero-fraction": tree({"Q": [1, 0]}),
    "huge-range": tree({"r": [0, 10**18, 1]}),
    "bad-date": tree({"da": [2024, 13, 1]}),
    "bad-zone": tree({"zi": "../../etc/passwd"}),
    "pattern": tree({"re": ["(a+)+$", 0]}),
    "function-by-name": tree({"n": "os:system"}),
    "builtin-by-name": tree({"n": "builtins:eval"}),
    "unknown-class": tree({"h": [1, 99]}),
    "instance-of-a-type": tree({"h": [1, {"n": "builtins:int"}]}),
    "instance-without-class": tree({"h": [1]}),
    "text-for-a-handle": tree({"h": ["1", CLASS]}),
    "foreign-export": tree({"own": 1}),
    "foreign-container": tree({"sh": 1}),
    "class-without-parts": tree({"k": {"id": 1}}),
    "exception-of-no-class": frame(["x", {"e": {"class": {"n": "builtins:int"}}}, None]),
    "exception-without-parts": frame(["x", {"e": {}}, None]),
    "exception-that-is-none": frame(["x", 5, None]),
    "question-without-name": frame(["c", None, None]),
    "extras-no-object": frame(["r", 1, [1]]),
    "output-no-pair": frame(["r", 1, {"o": [1], "m": []}]),
    "output-no-text": frame(["r", 1, {"o": [["o", 1]], "m": []}]),
    "output-elsewhere": frame(["r", 1, {"o": [["x", "1"]], "m": []}]),
    "change-of-nothing": frame(["r", 1, {"o": [], "m": [[1, []]]}]),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
def test_nonsense_is_a_typed_error_and_ends_the_process(
    make_session: Callable[..., tuple[Session, FakeApp]], answer: bytes
) -> None:
    session, app = make_session(answer)
    began = time.monotonic()

    with pytest.raises(LearnerGarbled) as caught:
        session.ask("load", "bob")

    assert time.monotonic() - began < 2.0
    assert caught.value.outcome == "learner_error"
    assert session.failure is caught.value
    with pytest.raises(LearnerGarbled):
        session.ask("load", "bob")
    assert app.connections == 2


def test_silence_ends_with_the_call(make_session: Callable[..., Any]) -> None:
    session, _ = make_session(b"", call_seconds=0.1)

    with pytest.raises(LearnerTooSlow, match=r"did not come back within 0\.1 s"):
        session.ask("load", "bob")


def test_a_slow_drip_does_not_extend_the_time(make_session: Callable[..., Any]) -> None:
    drip = frame(["o", None, None])
    session, _ = make_session(drip * 3, call_seconds=0.2)
    began = time.monotonic()

    with pytest.raises(LearnerTooSlow):
        session.ask("load", "bob")

    assert time.monotonic() - began < 1.0


def test_the_time_of_a_test_ends_endless_short_calls(make_session: Callable[..., Any]) -> None:
    session, _ = make_session(*[tree([True, 1])] * 50, test_seconds=0.0)

    with pytest.raises(LearnerTooSlow):
        session.ask("next", 1)


def test_a_torn_frame_is_the_end_of_the_process(make_session: Callable[..., Any]) -> None:
    session, _ = make_session(tree("abc")[:-2], then_close=True)

    with pytest.raises(LearnerGone):
        session.ask("load", "bob")


def test_bytes_are_counted_over_a_whole_test(make_session: Callable[..., Any]) -> None:
    session, _ = make_session(*[tree("x" * 1000)] * 50, test_bytes=20_000)

    def drain() -> None:
        for _ in range(50):
            session.ask("next", 1)

    with pytest.raises(LearnerTooLarge):
        drain()


def test_output_is_capped(
    make_session: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = frame(["r", 1, {"o": [["o", "x" * 900]], "m": []}])
    session, _ = make_session(*[answer] * 4, output_chars=2000)

    for _ in range(4):
        assert session.ask("next", 1) == 1

    assert len(capsys.readouterr().out) == 2000
    assert len("".join(session.output["o"])) == 2000


class Secret:
    """An object of a suite, with an attribute that learner code may have and others."""

    open_name = "open"

    def __init__(self) -> None:
        self._private = "private"
        self.module = json

    def generate(self) -> Iterator[int]:
        yield 1


@pytest.mark.parametrize(
    "name",
    [
        *("_private", "__class__", "__dict__", "__init__", "__reduce_ex__", "__getattribute__"),
        *("missing", "", "open_name.__class__", 5, None, "mro"),
    ],
)
def test_an_export_gives_no_attribute_that_is_not_its_own(
    make_session: Callable[..., Any], name: Any
) -> None:
    question = frame(["c", ["get", [1, name]], None])
    session, app = make_session(question, tree("after"))

    session.ask("call", Secret())

    kind, error, *_ = app.asked[-1]
    assert kind == "x"
    assert error["e"][2] == "AttributeError"


@pytest.mark.parametrize(
    "question",
    [
        *(
            ["get", [2, "open_name"]],
            ["call", [1, {"t": []}, {"d": []}]],
            ["line"],
            ["exec", ["1"]],
        ),
        *(["op", [1, "__init__", {"t": []}]], ["op", [1, "__reduce__", {"t": []}]], ["next", [1]]),
        *(["set", [1, "_private", 1]], ["set", [1, "generate", 1]], ["get", [1]], ["", []]),
    ],
    ids=str,
)
def test_a_question_beyond_what_was_given_is_refused(
    make_session: Callable[..., Any], question: Any
) -> None:
    session, app = make_session(frame(["c", question, None]), tree("after"))
    secret = Secret()

    try:
        session.ask("call", secret)
    except LearnerGarbled:
        return

    reply = app.asked[-1]
    assert reply[0] == "x" or reply[1] in ({"E": "NotImplemented"}, "")
    assert (secret._private, callable(secret.generate)) == ("private", True)


def test_frames_and_modules_never_leave(make_session: Callable[..., Any]) -> None:
    # Number 2 is the exception that refuses the module.
    steps = [
        frame(["c", ["get", [1, "module"]], None]),
        frame(["c", ["get", [1, "generate"]], None]),
        frame(["c", ["call", [3, {"t": []}, {"d": []}]], None]),
        frame(["c", ["get", [4, "gi_frame"]], None]),
        tree("after"),
    ]
    session, app = make_session(*steps)

    session.ask("call", Secret())

    assert [asked[0] for asked in app.asked[1:]] == ["x", "r", "r", "x"]
    assert app.asked[4][1]["e"][2] == "AttributeError"


def test_numbers_of_an_earlier_test_are_worthless(make_session: Callable[..., Any]) -> None:
    steps = [tree(1), tree(None), frame(["c", ["get", [1, "open_name"]], None]), tree("after")]
    session, app = make_session(*steps)
    session.ask("call", Secret())
    session.end_test()
    session.begin_test()

    session.ask("call", 1)

    assert [asked[0] for asked in app.asked] == ["call", "end", "call", "x"]


def test_what_the_check_cannot_pass_is_the_authors_to_mend(
    make_session: Callable[..., Any],
) -> None:
    session, app = make_session(tree(1))

    with pytest.raises(TypeError, match="object of type Thread"):
        session.ask("call", threading.Thread())

    assert not isinstance(session.failure, CheckFailed)
    assert app.asked == []
