"""The talk with the suite: one question at a time, questions back while one is being answered."""

from __future__ import annotations

import threading
import types
from pathlib import Path
from typing import Any

from agent.modules import streams
from agent.modules.captured import keep_builtins
from agent.modules.channel import Channel
from agent.modules.codec import AppDecoder, AppEncoder
from agent.modules.foreign import ForeignClasses
from agent.modules.modules import Modules
from agent.modules.objects import Objects, Shares, flat
from agent.modules.operations import Operations
from wire.plain import TooLarge

keep_builtins(globals())


class SuiteGone(BaseException):
    """The suite's end has closed: nothing that learner code does matters any more."""


class Conversation:
    """Answers the suite until it closes its end."""

    def __init__(self, channel: Channel, directory: Path) -> None:
        self._channel = channel
        # Held while a thread talks; learner code may ask from threads of its own.
        self._turn = threading.RLock()
        self._answering = 0
        self.objects = Objects()
        self.described: set[int] = set()
        self.shares = Shares()
        self.foreign = ForeignClasses(self)
        self.modules = Modules(directory)
        # Modules of the standard library as they were before the suite patched them.
        self.originals: dict[str, types.SimpleNamespace] = {}
        self.outbox = streams.Outbox(self._send_output)
        self._encoder = AppEncoder(self)
        self._decoder = AppDecoder(self)
        self._operations = Operations(self)

    def serve(self) -> None:
        """Answer one question after the other."""
        streams.install(self.outbox, lambda: self.ask("line"))
        try:
            while True:
                message = self._channel.receive()
                if message is None:
                    return
                self._answer(message)
        except SuiteGone:
            return

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Ask the suite and return its answer; its exceptions are raised here."""
        with self._turn:
            if not self._answering:
                raise RuntimeError("the check is not waiting for your code: nobody can answer")
            self._encoder.nodes = 0
            trees = self._encoder.items_of(arguments, 0)
            self._channel.send(["c", [operation, trees], self._extras()])
            while True:
                message = self._channel.receive()
                if message is None:
                    raise SuiteGone
                kind, tree, releases, changes = message
                if kind not in ("r", "x"):
                    self._answer(message)
                    continue
                self._take_over(releases, changes)
                value = self._decoder.decode(tree)
                if kind == "x":
                    raise value
                return value

    def _answer(self, message: list[Any]) -> None:
        operation, trees, releases, changes = message
        self._answering += 1
        try:
            self._take_over(releases, changes)
            arguments = self._decoder.items(trees, 0)
            result = self._operations.run(operation, arguments)
            self._encoder.nodes = 0
            reply = ["r", self._encoder.encode(result)]
        except SuiteGone:
            raise
        except TooLarge as error:
            reply = ["l", str(error)]
        except BaseException as error:
            # The frames of a traceback hold whatever the call held.
            reply = self._failure(error)
        # Under the turn: a thread of learner code may be waiting for an answer of its own.
        with self._turn:
            self._answering -= 1
            try:
                self._channel.send([*reply, self._extras()])
            except TooLarge as error:
                self._channel.send(["l", str(error), None])

    def _failure(self, error: BaseException) -> list[Any]:
        try:
            return ["x", self._encoder.exception(error)]
        except BaseException as second:
            kind = type(second).__name__
            return ["l", f"it is an exception that cannot be told ({kind})"]

    def _take_over(self, releases: list[Any], changes: list[Any]) -> None:
        numbers, shared = releases or ((), ())
        if numbers:
            self.objects.release(numbers)
        if shared:
            self.shares.release(shared)
        for number, items in changes:
            self.shares.put(number, self._decoder.items(items, 0))

    def _extras(self) -> Any:
        """Return what rides along: output and changed arguments, or None."""
        output = self.outbox.take()
        changed = self.shares.changed()
        if not output and not changed:
            return None
        changes = [[share.number, self._encoder.items_of(flat(share.copy), 0)] for share in changed]
        return {"o": output, "m": changes}

    def _send_output(self) -> None:
        with self._turn:
            if self._answering:
                self._channel.send(["o", None, {"o": self.outbox.take(), "m": []}])
