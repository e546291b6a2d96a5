"""What the suite may ask of learner code."""

from __future__ import annotations

import asyncio
import copy
import functools
import random
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.modules import describe
from agent.modules.captured import keep_builtins

if TYPE_CHECKING:
    from agent.modules.conversation import Conversation

keep_builtins(globals())

MISSING: Any = object()


class Operations:
    """The table of operations. Each returns a value, which the conversation encodes."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._loop: asyncio.AbstractEventLoop | None = None
        self._patched: dict[tuple[str, str], list[Any]] = {}
        self._table: dict[str, Callable[..., Any]] = {
            "names": talk.modules.names,
            "load": talk.modules.load,
            "get": getattr,
            "set": setattr,
            "del": delattr,
            "entry": lambda kind, name: describe.CLASS_DICT.__get__(kind)[name],
            "call": lambda function, args, kwargs: function(*args, **dict(kwargs)),
            "method": self._method,
            "special": self._special,
            "next": self._next,
            "send": lambda target, value: self._pull(lambda: target.send(value)),
            "throw": lambda target, error: self._pull(lambda: target.throw(error)),
            "await": self._await,
            "anext": self._anext,
            "asend": lambda target, value: self._apull(target.asend(value)),
            "athrow": lambda target, error: self._apull(target.athrow(error)),
            "snapshot": lambda target: describe.SNAPSHOTS[describe.base_of(type(target)) or int](
                target
            ),
            "dir": lambda target: sorted(name for name in dir(target) if type(name) is str),
            "vars": lambda target: dict(vars(target)),
            "copy": copy.copy,
            "deepcopy": copy.deepcopy,
            "instance": isinstance,
            "subclass": issubclass,
            "class": self._make_class,
            "super": self._super,
            "seed": random.seed,
            "recursion": sys.setrecursionlimit,
            "patch": self._patch,
            "unpatch": self._unpatch,
            "end": self._end,
        }

    def run(self, operation: str, arguments: list[Any]) -> Any:
        """Run one operation; whatever learner code raises passes through."""
        return self._table[operation](*arguments)

    def _method(self, target: Any, name: str, args: Any, kwargs: Any) -> Any:
        return getattr(target, name)(*args, **dict(kwargs))

    def _special(self, target: Any, name: str, args: tuple[Any, ...]) -> Any:
        method = getattr(type(target), name, MISSING)
        if method is MISSING:
            return NotImplemented
        if name in ("__exit__", "__aexit__"):
            (error,) = args
            args = (None if error is None else type(error), error, None)
        return method(target, *args)

    def _next(self, target: Any) -> Any:
        return self._pull(lambda: next(target))

    def _pull(self, step: Callable[[], Any]) -> list[Any]:
        """Return [True, item], or [False, value] at the end."""
        try:
            return [True, step()]
        except StopIteration as stop:
            return [False, stop.value]

    def _run(self, awaitable: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(awaitable)

    def _await(self, awaitable: Any) -> Any:
        async def result() -> Any:
            return await awaitable

        return self._run(result())

    def _anext(self, target: Any) -> list[Any]:
        return self._apull(type(target).__anext__(target))

    def _apull(self, awaitable: Any) -> list[Any]:
        try:
            return [True, self._await(awaitable)]
        except StopAsyncIteration:
            return [False, None]

    def _make_class(self, name: str, bases: tuple[type, ...], entries: tuple[Any, ...]) -> type:
        """Make this side of a class that the suite derives from a learner's; each entry is
        (name, sort, values)."""
        makers: dict[str, Callable[..., Any]] = {
            "m": lambda function: function,
            "v": lambda value: value,
            "c": classmethod,
            "s": staticmethod,
            "p": property,
        }
        body = {entry: makers[sort](*values) for entry, sort, values in entries}
        body["__module__"] = "tests"
        return types.new_class(name, bases, exec_body=lambda space: space.update(body))

    def _super(self, kind: type, target: Any, name: str, args: Any, kwargs: Any) -> Any:
        return getattr(kind, name)(target, *args, **dict(kwargs))

    def _patch(self, module: str, name: str, value: Any) -> None:
        """Replace a name of a library module, as the suite has done on its side."""
        target = self._library(module)
        before = self._patched.setdefault((module, name), [])
        before.append(getattr(target, name, MISSING))
        setattr(target, name, value)

    def _unpatch(self, module: str, name: str) -> None:
        before = self._patched.get((module, name))
        if before:
            self._restore(module, name, before.pop())

    def _restore(self, module: str, name: str, value: Any) -> None:
        target = self._library(module)
        if value is MISSING:
            delattr(target, name)
        else:
            setattr(target, name, value)

    def _library(self, path: str) -> Any:
        module, _, names = path.partition(":")
        __import__(module)
        target: Any = sys.modules[module]
        if not names:
            return target
        return functools.reduce(getattr, names.split("."), target)

    def _end(self) -> None:
        """Undo what the test that is over has left behind."""
        for (module, name), before in self._patched.items():
            if before:
                self._restore(module, name, before[0])
        self._patched.clear()
        self._talk.foreign.expire()
