"""Lists, dicts and sets of the suite that learner code may change: each is known by a number on
both sides, and changes travel with the messages."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

from wire.plain import BadValue

# Of those passed in earlier calls, how many are still looked at for changes.
SCANNED = 16
# Larger ones are compared only in the calls that pass them.
SCANNED_ITEMS = 500
# References to a container that nobody but this module holds: the record's and the argument's.
OWN_REFERENCES = 2
CODES: dict[Any, str] = {list: "l", dict: "d", set: "s"}


class Shared:
    """One container of the suite, and its items as the learner's process knows them."""

    __slots__ = ("number", "original", "seen")

    def __init__(self, number: int, original: Any) -> None:
        self.number = number
        self.original = original
        self.seen: list[Any] = flat(original)


def flat(container: Any) -> list[Any]:
    """Return the items of a list or set, keys and values in turn of a dict."""
    if type(container) is dict:
        return [item for pair in container.items() for item in pair]
    return list(container)


class Shares:
    """All shared containers of a test."""

    def __init__(self) -> None:
        self._next = 1
        self._by_number: dict[int, Shared] = {}
        self._by_id: dict[int, Shared] = {}
        self._recent: list[Shared] = []
        self._released: list[int] = []

    def clear(self) -> None:
        """Forget everything: the learner's process is new."""
        self._by_number.clear()
        self._by_id.clear()
        self._recent.clear()
        self._released.clear()

    def forget_all(self) -> None:
        """Release everything at the end of a test."""
        self._released += self._by_number
        self._by_number.clear()
        self._by_id.clear()
        self._recent.clear()

    def begin(self) -> None:
        """Before a message: release what nobody else holds any more."""
        recent = dict.fromkeys(self._recent)
        self._recent.clear()
        for share in recent:
            if sys.getrefcount(share.original) <= OWN_REFERENCES:
                self._released.append(share.number)
                self._by_number.pop(share.number, None)
                self._by_id.pop(id(share.original), None)
            elif len(share.seen) <= SCANNED_ITEMS:
                self._recent.append(share)
        del self._recent[:-SCANNED]

    def number_of(self, value: Any) -> int | None:
        """Return the number of a container that is shared already."""
        share = self._by_id.get(id(value))
        if share is None:
            return None
        self._recent.append(share)
        return share.number

    def add(self, value: Any) -> int:
        """Share a container; the caller sends its content."""
        share = Shared(self._next, value)
        self._next += 1
        self._by_number[share.number] = self._by_id[id(value)] = share
        self._recent.append(share)
        return share.number

    def released(self) -> list[int]:
        """Return the numbers that were released, once."""
        numbers, self._released = self._released, []
        return numbers

    def changes(self, encode: Callable[[list[Any], int], list[Any]]) -> list[Any]:
        """Return [number, items] of what the suite has changed since it was last sent."""
        found = []
        for share in dict.fromkeys(self._recent):
            now = flat(share.original)
            if len(now) != len(share.seen) or not all(map(operator.is_, now, share.seen)):
                share.seen = now
                found.append([share.number, encode(now, 0)])
        return found

    def original(self, number: Any) -> Any:
        """Return the container that has `number`. Raises BadValue."""
        share = self._by_number.get(number) if type(number) is int else None
        if share is None:
            raise BadValue("no such container")
        return share.original

    def apply(self, number: Any, items: Any) -> None:
        """Give a container the content that learner code has left in it. Raises BadValue."""
        original = self.original(number)
        if type(items) is not list or (type(original) is dict and len(items) % 2):
            raise BadValue("no content of a container")
        if type(original) is list:
            original[:] = items
        else:
            original.clear()
            if type(original) is dict:
                original.update(zip(items[::2], items[1::2], strict=True))
            else:
                original.update(items)
        self._by_number[number].seen = flat(original)
