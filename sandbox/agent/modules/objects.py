"""What the suite holds of the learner's objects, and the lists, dicts and sets of the suite that
learner code has been given."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from agent.modules.captured import keep_builtins

keep_builtins(globals())

SCANNED = 16
SCANNED_ITEMS = 500


class Objects:
    """Handles: numbers for objects. A number is never given twice."""

    def __init__(self) -> None:
        self._by_number: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._next = 1

    def number_of(self, value: Any) -> int:
        """Return the number of `value`, which is kept alive from now on."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next
            self._next += 1
            self._by_number[number] = value
            self._numbers[id(value)] = number
        return number

    def get(self, number: int) -> Any:
        """Return the object of `number`. Raises KeyError."""
        return self._by_number[number]

    def release(self, numbers: list[int]) -> None:
        """Forget objects that the suite no longer holds."""
        for number in numbers:
            value = self._by_number.pop(number, None)
            self._numbers.pop(id(value), None)


class Shared:
    """One container of the suite: the copy that learner code works on, and what was last told."""

    __slots__ = ("copy", "number", "seen")

    def __init__(self, number: int, copy: Any) -> None:
        self.number = number
        self.copy = copy
        self.seen: list[Any] = flat(copy)


def flat(container: Any) -> list[Any]:
    """Return the items of a list or set, keys and values in turn of a dict."""
    if type(container) is dict:
        return [item for pair in container.items() for item in pair]
    return list(container)


def refill(container: Any, items: list[Any]) -> None:
    """Give `container` the content that `flat` would return."""
    if type(container) is list:
        container[:] = items
        return
    container.clear()
    if type(container) is dict:
        container.update(zip(items[::2], items[1::2], strict=True))
    else:
        container.update(items)


class Shares:
    """All shared containers of a test."""

    def __init__(self) -> None:
        self._by_number: dict[int, Shared] = {}
        self._by_id: dict[int, Shared] = {}
        self._touched: list[Shared] = []

    def get(self, number: int) -> Any:
        """Return the copy of `number`, which counts as passed in this call."""
        share = self._by_number[number]
        self._touched.append(share)
        return share.copy

    def add(self, number: int, empty: Any, fill: Callable[[], list[Any]]) -> Any:
        """Make the copy of a container; `fill` may refer to it already."""
        share = Shared(number, empty)
        self._by_number[number] = share
        self._by_id[id(empty)] = share
        refill(empty, fill())
        share.seen = flat(empty)
        self._touched.append(share)
        return empty

    def put(self, number: int, items: list[Any]) -> None:
        """Take over what the suite has changed."""
        share = self._by_number[number]
        refill(share.copy, items)
        share.seen = flat(share.copy)

    def number_of(self, value: Any) -> int | None:
        """Return the number of `value` if it is a copy of one of the suite's containers."""
        share = self._by_id.get(id(value))
        return None if share is None else share.number

    def changed(self) -> list[Shared]:
        """Return what learner code has changed since the last message.

        Looked at are the containers of this call and the few that were passed last: looking at
        every one at every message would be quadratic.
        """
        found = []
        touched = self._touched
        for share in dict.fromkeys(touched):
            now = flat(share.copy)
            if len(now) != len(share.seen) or not all(map(operator.is_, now, share.seen)):
                share.seen = now
                found.append(share)
        touched[:] = [share for share in touched if len(share.seen) <= SCANNED_ITEMS][-SCANNED:]
        return found

    def release(self, numbers: list[int]) -> None:
        """Forget containers that the suite no longer follows."""
        for number in numbers:
            share = self._by_number.pop(number, None)
            if share is not None:
                self._by_id.pop(id(share.copy), None)
        self._touched = [share for share in self._touched if share.number in self._by_number]
