"""Stand-ins for what belongs to the suite: callbacks, its objects, its iterators, its exceptions.

A stand-in does nothing itself. It asks the suite's process, which decides what may be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from agent.modules.captured import keep_builtins
from wire.signatures import signature_of
from wire.specials import ALL

if TYPE_CHECKING:
    from agent.modules.conversation import Conversation

keep_builtins(globals())


class Foreign:
    """An object of the suite. Its own names begin with an underscore, which none of the suite's
    reachable names do."""

    __slots__ = ("__weakref__", "_backpath_number", "_backpath_talk")

    def __init__(self, talk: Conversation, number: int) -> None:
        object.__setattr__(self, "_backpath_talk", talk)
        object.__setattr__(self, "_backpath_number", number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._backpath_talk.ask("get", self._backpath_number, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._backpath_talk.ask("set", self._backpath_number, name, value)


def number_of_foreign(talk: Conversation, value: Any) -> int:
    """Return the number of a stand-in."""
    known = talk.foreign.known.get(id(value))
    return known[1] if known is not None else value._backpath_number


class ForeignClasses:
    """All stand-ins of a test, and the classes made for them."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._classes: dict[tuple[str, ...], type] = {}
        self._exception_classes: dict[tuple[str, type], type] = {}
        self._by_number: dict[int, Any] = {}
        # Stand-ins that are ordinary objects: functions, generators, exceptions. By id.
        self.known: dict[int, tuple[Any, int]] = {}
        self.exceptions: dict[int, BaseException] = {}

    def expire(self) -> None:
        """Forget the stand-ins of the test that is over."""
        self._by_number.clear()
        self.known.clear()
        self.exceptions.clear()

    def stand_in(self, tree: list[Any]) -> Any:
        """Return the stand-in that `tree` describes, the same one for the same object."""
        number, kind, details = tree
        found = self._by_number.get(number)
        if found is None:
            make = {"fn": self._function, "it": self._iterator, "obj": self._object}[kind]
            found = self._by_number[number] = make(number, details)
            if kind != "obj":
                self.known[id(found)] = (found, number)
        return found

    def _function(self, number: int, details: list[Any]) -> Any:
        talk = self._talk
        name, doc, parameters = details

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            return talk.ask("call", number, args, kwargs)

        stand_in.__name__ = stand_in.__qualname__ = name
        stand_in.__doc__ = doc
        if parameters is not None:
            stand_in.__signature__ = signature_of(parameters)  # type: ignore[attr-defined]  # what inspect reads
        return stand_in

    def _iterator(self, number: int, _details: Any) -> Iterator[Any]:
        while True:
            reply = self._talk.ask("next", number)
            if not reply:
                return
            yield reply[0]

    def _object(self, number: int, details: list[Any]) -> Foreign:
        key = (details[0], *details[1])
        kind = self._classes.get(key)
        if kind is None:
            kind = self._classes[key] = self._make_class(*details)
        stand_in: Foreign = kind(self._talk, number)
        return stand_in

    def _make_class(self, name: str, specials: list[str]) -> type:
        body: dict[str, Any] = {"__slots__": (), "__qualname__": name}
        for special in specials:
            if special in ALL:
                body[special] = _forwarded(special)
        if "__eq__" in body and "__hash__" not in body:
            body["__hash__"] = None
        return type(name, (Foreign,), body)

    def exception_class(self, name: str, base: type) -> type:
        """Return a class for exceptions of the suite's own class `name`."""
        key = (name, base)
        if key not in self._exception_classes:
            self._exception_classes[key] = type(name, (base,), {"__module__": "tests"})
        return self._exception_classes[key]

    def remember_exception(self, number: int, error: BaseException) -> None:
        """Keep `error` as the stand-in of the suite's exception `number`."""
        self.exceptions[number] = error
        self.known[id(error)] = (error, number)


def _forwarded(special: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        ask = self._backpath_talk.ask
        if special == "__call__":
            return ask("call", self._backpath_number, args, kwargs)
        if special == "__next__":
            reply = ask("next", self._backpath_number)
            if not reply:
                raise StopIteration
            return reply[0]
        return ask("op", self._backpath_number, special, args)

    method.__name__ = special
    return method
