"""The talk with the learner's process: questions, deadlines, callbacks, restarts."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backpath_sdk.expectations import CheckFailed
from backpath_sdk.learner.channel import Channel
from backpath_sdk.learner.codec import RunnerDecoder, RunnerEncoder
from backpath_sdk.learner.errors import (
    CannotCross,
    LearnerGarbled,
    LearnerGone,
    LearnerTooLarge,
    LearnerTooSlow,
)
from backpath_sdk.learner.exports import Exports
from backpath_sdk.learner.handles import Handle
from backpath_sdk.learner.shares import Shares
from wire.plain import BadValue

# What a tree of the wrong shape makes the decoder raise.
GARBLED = (
    BadValue,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    OSError,
)
KINDS = ("h", "k", "fn", "mod")


@dataclass(frozen=True)
class Limits:
    """Caps on the learner's side. Seconds count only while the suite waits for it."""

    call_seconds: float = 10.0
    test_seconds: float = 60.0
    test_bytes: int = 96 << 20
    output_chars: int = 1 << 20


class Session:
    """All there is to say to the learner's modules of one suite.

    `connect` returns a connected stream socket to a fresh process that serves the submission. The
    process is replaced when it died or broke the protocol; what has a name is found again.
    """

    def __init__(self, connect: Callable[[], socket.socket], limits: Limits | None = None) -> None:
        self._connect = connect
        self.limits = limits or Limits()
        self._lock = threading.RLock()
        self._channel: Channel | None = None
        self.generation = 0
        self._dead: set[int] = set()
        self._must_end = False
        self._waited = 0.0
        self._bytes = 0
        self.is_in_test = False
        # Whether this suite has had to do with learner modules: one that has not starts no
        # process for them, whatever it does to the standard library.
        self.is_used = False
        # Whether learner code may raise SystemExit: only where pytest takes it as a failure.
        self.may_exit = False
        self.test_count = 0
        self.questions = 0
        self.failure: Exception | None = None
        self.raised: list[BaseException] = []
        self.stdin: list[str] | None = None
        self.output: dict[str, list[str]] = {"o": [], "e": []}
        self._output_chars = 0
        self.exports = Exports(self)
        self.shares = Shares()
        self.encoder = RunnerEncoder(self)
        self.decoder = RunnerDecoder(self)
        self.modules: dict[str, Any] = {}
        # What the suite has imported that the submission does not have.
        self.missing: list[CheckFailed] = []
        self.on_open: list[Callable[[], None]] = []

    # Questions -------------------------------------------------------------------------

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Ask, and return the value of the answer.

        Raises what learner code raised, CheckFailed when it gave no answer, CannotCross when the
        arguments cannot be passed.
        """
        with self._lock:
            return self.decode(self._ask(operation, arguments))

    def make_class(self, name: str, bases: tuple[type, ...], entries: tuple[Any, ...]) -> int:
        """Make a class on the learner's side; return its number."""
        with self._lock:
            tree = self._ask("class", (name, bases, entries))
            # The local class is there already.
            return self._number_in(tree, is_new=False)

    def decode(self, tree: Any) -> Any:
        """Return the value of an answer. Raises LearnerGarbled."""
        try:
            return self.decoder.decode(tree)
        except GARBLED as error:
            if self.is_learners(error):
                raise
            self.drop()
            raise self.fail(
                LearnerGarbled(f"Your code gave back something that is no value: {error}.")
            ) from None

    def is_learners(self, error: BaseException) -> bool:
        """Say whether `error` was raised by learner code in this test."""
        return any(error is known for known in self.raised)

    def fail(self, error: Exception) -> Exception:
        """Note a failure that the test must not outlive, whatever it catches; return it."""
        if self.failure is None:
            self.failure = error
        return error

    def _ask(self, operation: str, arguments: tuple[Any, ...]) -> Any:
        if self._must_end and self._channel is not None:
            self._must_end = False
            self._exchange("end", [])
        if self._channel is None:
            self._open()
        self.questions += 1
        self.shares.begin()
        try:
            self.encoder.nodes = 0
            trees = self.encoder.items_of(arguments, 0)
        except CannotCross as error:
            raise self.fail(error) from None
        return self._exchange(operation, trees)

    def _open(self) -> None:
        try:
            sock = self._connect()
        except CheckFailed as error:
            raise self.fail(error) from None
        except OSError as error:
            raise self.fail(
                LearnerGone(f"The sandbox of your code is gone: {error.strerror}.")
            ) from None
        self.generation += 1
        self._dead.clear()
        self._must_end = False
        self.shares.clear()
        self.decoder.begin_generation()
        self._channel = Channel(sock)
        self.is_used = True
        for callback in self.on_open:
            callback()

    def drop(self) -> None:
        """Close the connection; the next question goes to a new process."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _exchange(self, operation: str, trees: list[Any]) -> Any:
        """Send one question, answer the questions back, return the tree of the answer."""
        channel = self._channel
        if channel is None:
            raise self.fail(LearnerGone("The process that runs your code has ended."))
        waited_before = self._waited
        is_complete = False
        error: BaseException | None = None
        try:
            channel.send([operation, trees, *self._riders()], self.limits.call_seconds)
            while True:
                kind, tree, extras = self._receive(channel, waited_before)
                if extras is not None:
                    self._take_extras(extras)
                if kind == "r":
                    is_complete = True
                    return tree
                if kind == "c":
                    self._answer(channel, tree)
                elif kind == "x":
                    error = self._decode_exception(tree)
                    break
                elif kind == "l":
                    error = self.fail(LearnerTooLarge(self._too_large(tree)))
                    break
                elif kind != "o":
                    raise LearnerGarbled("The process that runs your code spoke out of turn.")
            is_complete = True
        except CannotCross as problem:
            is_complete = True
            raise self.fail(problem) from None
        except CheckFailed as problem:
            raise self.fail(problem) from None
        finally:
            if not is_complete:
                self._drop_channel(channel)
        raise error

    def _drop_channel(self, channel: Channel) -> None:
        channel.close()
        if self._channel is channel:
            self._channel = None

    def _receive(self, channel: Channel, waited_before: float) -> list[Any]:
        limits = self.limits
        left_of_call = limits.call_seconds - (self._waited - waited_before)
        left_of_test = limits.test_seconds - self._waited
        begun = time.monotonic()
        size = channel.received
        try:
            return channel.receive(begun + min(left_of_call, left_of_test))
        except TimeoutError:
            seconds = limits.call_seconds if left_of_call < left_of_test else limits.test_seconds
            raise LearnerTooSlow(f"Your code did not come back within {seconds:g} s.") from None
        finally:
            self._waited += time.monotonic() - begun
            self._bytes += channel.received - size
            if self._bytes > limits.test_bytes:
                raise LearnerTooLarge("Your code gave back more than one check can take.")

    def _riders(self) -> list[Any]:
        """Return what goes with every message: released numbers, changed containers."""
        numbers = []
        while self._dead:
            numbers.append(self._dead.pop())
        released = self.shares.released()
        changes = self.shares.changes(self.encoder.items_of)
        return [[numbers, released] if numbers or released else None, changes]

    def _too_large(self, tree: Any) -> str:
        reason = tree[:200] if type(tree) is str else "it is too large"
        return f"What your code gave back cannot be passed on: {reason}."

    def _decode_exception(self, tree: Any) -> BaseException:
        error = self.decode(tree)
        if not isinstance(error, BaseException):
            raise LearnerGarbled("The process that runs your code raised what is no exception.")
        self.raised.append(error)
        return error

    # Questions back --------------------------------------------------------------------

    def _answer(self, channel: Channel, tree: Any) -> None:
        if type(tree) is not list or len(tree) != 2 or type(tree[0]) is not str:
            raise LearnerGarbled("The process that runs your code asked nothing that is known.")
        arguments = self.decode({"t": tree[1]})
        try:
            value = self.exports.run(tree[0], arguments)
            self.shares.begin()
            self.encoder.nodes = 0
            reply = ["r", self.encoder.encode(value)]
        except LearnerGarbled:
            raise
        except CannotCross as problem:
            self.fail(problem)
            reply = ["x", self.encoder.exception(problem)]
        except Exception as problem:
            # Anything else, such as the clock of the check, is not learner code's to catch.
            reply = ["x", self.encoder.exception(problem)]
        channel.send([*reply, *self._riders()], self.limits.call_seconds)

    def _take_extras(self, extras: Any) -> None:
        try:
            for number, trees in extras.get("m") or ():
                self.shares.apply(number, self.decode(trees))
            printed = [(stream, text) for stream, text in extras.get("o") or ()]
        except GARBLED as error:
            if self.is_learners(error):
                raise
            raise LearnerGarbled(
                f"What your code did to its arguments cannot be told: {error}."
            ) from None
        for stream, text in printed:
            self._print(stream, text)

    def _print(self, stream: Any, text: Any) -> None:
        if stream not in ("o", "e") or type(text) is not str:
            raise LearnerGarbled("The process that runs your code printed what is no text.")
        room = self.limits.output_chars - self._output_chars
        self._output_chars += len(text)
        if room <= 0:
            return
        text = text[:room]
        self.output[stream].append(text)
        (sys.stdout if stream == "o" else sys.stderr).write(text)

    # Handles ---------------------------------------------------------------------------

    def forget(self, generation: int, number: int) -> None:
        """Note that nobody holds the object `number` any more."""
        if generation == self.generation:
            self._dead.add(number)

    def keep(self, number: int) -> None:
        """Take back that nobody holds the object `number`."""
        self._dead.discard(number)

    def number_of(self, handle: Handle) -> int:
        """Return the number of `handle` in the process of now. Raises LearnerGone."""
        if handle.session is not self:
            raise CannotCross("The object belongs to another session.")
        if self._channel is None:
            self._open()
        if handle.generation != self.generation:
            if handle.path is None:
                raise self.fail(
                    LearnerGone("The object is gone: the process that held it has ended.")
                )
            self._find_again(handle, handle.path)
        return handle.number

    def _find_again(self, handle: Handle, path: tuple[str, str]) -> None:
        tree = self._exchange("load", [path[0]])
        number = self._number_in(tree)
        for name in path[1].split(".") if path[1] else ():
            tree = self._exchange("get", [{"h": number}, name])
            number = self._number_in(tree)
        handle.generation, handle.number = self.generation, number

    def _number_in(self, tree: Any, *, is_new: bool = True) -> int:
        number: Any = None
        if type(tree) is dict and len(tree) == 1:
            ((tag, content),) = tree.items()
            if tag in KINDS:
                # A class is described once: what is described here must not be lost.
                if is_new:
                    self.decoder.meet_class(tag, content)
                number = content[0] if type(content) is list and content else content
                number = number.get("id") if type(number) is dict else number
        if type(number) is not int:
            raise self.fail(LearnerGone("The object is gone: the process that held it has ended."))
        return number

    # Tests -----------------------------------------------------------------------------

    def begin_test(self) -> None:
        """Start the budgets of a test."""
        self._waited = 0.0
        self._bytes = self._output_chars = self.questions = 0
        self.failure = None
        self.raised.clear()
        self.stdin = None
        self.output = {"o": [], "e": []}
        self.is_in_test = True
        self.test_count += 1

    def end_test(self) -> None:
        """Let everything expire that the test gave to learner code."""
        with self._lock:
            self.is_in_test = False
            self.exports.expire()
            self.shares.forget_all()
            self._must_end = self._channel is not None

    def close(self) -> None:
        """Close the connection."""
        self.drop()
