"""How long fuzzing runs in the tests, and what came out of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

# The same examples in every run: what breaks in CI breaks on the next machine too.
fuzz = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

outcomes: Counter[str] = Counter()
"""What the code under test answered, by a short label; the benchmark shows how many kinds."""


def note(label: str) -> None:
    """Count one answer of the code under test."""
    outcomes[label] += 1


@contextmanager
def threads_report() -> Iterator[None]:
    """Raise at the end what a thread raised meanwhile: it would otherwise be lost."""
    raised: list[BaseException] = []
    before = threading.excepthook
    threading.excepthook = lambda args: raised.append(args.exc_value or args.exc_type())
    try:
        yield
    finally:
        threading.excepthook = before
    if raised:
        raise raised[0]
