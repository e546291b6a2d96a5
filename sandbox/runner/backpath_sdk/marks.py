"""Binding a test to a check of assignment.yaml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])


def check(check_id: str) -> Callable[[Test], Test]:
    """Bind a test function to the check `check_id` of the assignment's own file.

    Title, points, hints and dependencies live in that file, which the platform reads; the test
    says only which check it decides. Several tests, or a parametrized one, may share an id: the
    check passes when all of them do.
    """

    def bind(test: Test) -> Test:
        return pytest.mark.backpath_check(check_id)(test)  # type: ignore[no-any-return]  # pytest's decorator is untyped

    return bind
