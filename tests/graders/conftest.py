"""The marker of `backpath_sdk.check`, which the runner's own plugin registers in the box."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "backpath_check(id): the check that a test decides")
