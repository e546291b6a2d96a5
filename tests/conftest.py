"""What all tests share."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits count in the cache: no test may inherit another's count."""
    cache.clear()
    yield
    cache.clear()
