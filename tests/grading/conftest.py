from collections.abc import Iterator

import pytest

from tests.grading.broker import empty_broker


@pytest.fixture(autouse=True)
def _no_messages_of_others() -> Iterator[None]:
    empty_broker()
    yield
    empty_broker()
