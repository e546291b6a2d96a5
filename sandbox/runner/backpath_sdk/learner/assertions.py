"""Assertions of unittest that would take the word of an object.

They compare by difference, order or membership. With an object of the learner's on one side only,
and no built-in base to take its value from, they fail; a plain value in such an object is asked.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from backpath_sdk.learner.derived import FACTS
from backpath_sdk.learner.handles import is_instance_proxy

NAMES = (
    *("assertAlmostEqual", "assertNotAlmostEqual", "assertCountEqual", "assertIn"),
    *("assertGreater", "assertGreaterEqual", "assertLess", "assertLessEqual"),
)
ORIGINALS: dict[str, Callable[..., None]] = {}


def is_baseless(value: Any) -> bool:
    """Say whether `value` is an object of the learner's without the value of a built-in base."""
    return is_instance_proxy(value) and all(
        FACTS[kind].base is None for kind in type(value).__mro__ if kind in FACTS
    )


def install() -> None:
    """Guard the assertions of unittest.TestCase."""
    for name in NAMES:
        ORIGINALS[name] = getattr(unittest.TestCase, name)
        setattr(unittest.TestCase, name, _guarded(name, ORIGINALS[name]))


def uninstall() -> None:
    """Put the assertions back."""
    while ORIGINALS:
        setattr(unittest.TestCase, *ORIGINALS.popitem())


def _guarded(name: str, original: Callable[..., None]) -> Callable[..., None]:
    def assertion(self: Any, first: Any, second: Any, *args: Any, **kwargs: Any) -> None:
        if is_baseless(first) != is_baseless(second):
            is_question = name == "assertIn" and is_baseless(second)
            if not is_question:
                mine, other = (first, second) if is_baseless(first) else (second, first)
                raise self.failureException(
                    f"an object of the class {type(mine).__name__}, where a plain value such as "
                    f"{other!r} belongs"
                )
        original(self, first, second, *args, **kwargs)

    assertion.__name__ = name
    return assertion
