"""Expectations: what a check says when the learner's service is wrong.

CheckFailed          the learner's answer is not what the spec asks for
  ServiceUnavailable the learner's service does not run, or does not answer in time
CheckTimedOut        the check used up its own time
NotReached           a check that this one needs did not pass
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


class CheckFailed(Exception):
    """The check failed for a reason that is the learner's to mend.

    `message` is shown to the learner as it stands; `expected` and `actual` are shown as a diff.
    """

    outcome = "failed"

    def __init__(
        self, message: str, *, expected: object = None, actual: object = None, compare: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = render(expected) if compare or expected is not None else None
        self.actual = render(actual) if compare or actual is not None else None


class ServiceUnavailable(CheckFailed):
    """The learner's service is not there to be asked."""

    outcome = "learner_error"


class CheckTimedOut(BaseException):
    """Raised inside a check by the clock; not an Exception, so that no test catches it."""

    outcome = "timed_out"


class NotReached(Exception):
    """A check was not run, since one that it needs did not pass."""

    outcome = "not_reached"


def render(value: object) -> str:
    """Return `value` as text that can be compared line by line: JSON where it is JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return repr(value)
    except (ValueError, RecursionError):
        # Integers of thousands of digits, nesting without end.
        return f"a value of the type {type(value).__name__} that is too large to show"


def same(actual: object, expected: object) -> bool:
    """Compare two JSON values; unlike Python, JSON holds true and 1 apart."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return actual is expected
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and actual.keys() == expected.keys()
            and all(same(actual[key], expected[key]) for key in expected)
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(actual) == len(expected)
            and all(same(a, e) for a, e in zip(actual, expected, strict=True))
        )
    return actual == expected


def expect(actual: object, expected: object, message: str) -> None:
    """Fail with `message` and a diff unless `actual` equals `expected` as JSON values."""
    if not same(actual, expected):
        raise CheckFailed(message, expected=expected, actual=actual, compare=True)


def expect_true(
    condition: object, message: str, *, expected: Any = None, actual: Any = None
) -> None:
    """Fail with `message` unless `condition` holds."""
    if not condition:
        raise CheckFailed(message, expected=expected, actual=actual)


def fail(message: str, *, expected: Any = None, actual: Any = None) -> NoReturn:
    """Fail with `message`."""
    raise CheckFailed(message, expected=expected, actual=actual)
