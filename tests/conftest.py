"""What all tests share."""

import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import pytest
from django.core.cache import cache


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl-C does, so that fixtures stop what they started."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits count in the cache: no test may inherit another's count."""
    cache.clear()
    yield
    cache.clear()
