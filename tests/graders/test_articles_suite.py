"""The hidden suite by itself: content with a right service, and never broken by a strange one.

An exception that is not CheckFailed would be a grader error: the learner would wait for a report
that never comes.
"""

from __future__ import annotations

import importlib
import inspect
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backpath_sdk import CheckFailed, Rng
from tests.graders.articles_service import FakeService, spoiler

GRADER = Path(__file__).parents[2] / "graders" / "articles-rest" / "grader"
NAMES = [path.stem for path in sorted(GRADER.glob("*.py"))]
STRANGE_SERVICES = 12

Checks = dict[str, Callable[..., None]]


@pytest.fixture(scope="module")
def checks() -> Iterator[Checks]:
    """Check id -> test function, imported the way the runner does it."""
    sys.path.insert(0, str(GRADER))
    try:
        modules = [importlib.import_module(name) for name in NAMES]
        yield {
            marker.args[0]: function
            for module in modules
            for _, function in inspect.getmembers(module, inspect.isfunction)
            for marker in getattr(function, "pytestmark", [])
        }
    finally:
        sys.path.remove(str(GRADER))
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second try after a pause is about clocks, and there are none here."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def run(function: Callable[..., None], service: FakeService, seed: str) -> None:
    given: dict[str, Any] = {"service": service, "rng": Rng(seed)}
    function(**{name: given[name] for name in inspect.signature(function).parameters})


def test_a_right_service_passes_every_check(checks: Checks) -> None:
    service = FakeService()
    for check_id, function in checks.items():
        run(function, service, check_id)
    assert len(checks) >= 36


@pytest.mark.parametrize("seed", range(STRANGE_SERVICES))
def test_strange_answers_fail_checks_and_break_none(checks: Checks, seed: int) -> None:
    passed, said = 0, set()
    for check_id, function in checks.items():
        for turn in range(6):
            name = f"{seed}:{check_id}:{turn}"
            service = FakeService(spoiler(random.Random(name)))
            try:
                run(function, service, name)
                passed += 1
            except CheckFailed as failure:
                said.add(failure.message[:40])
    assert passed < len(checks) * 6
    assert "" not in said
    assert len(said) > 20, "the strange services reach deep into the checks"


def test_values_differ_from_run_to_run(checks: Checks) -> None:
    """What a service could learn by heart must not help it."""

    class Spy(FakeService):
        def request(self, method: str, path: str, **options: Any) -> Any:
            body = options.get("json")
            if isinstance(body, dict) and isinstance(body.get("title"), str) and body["title"]:
                titles[-1].add(body["title"])
            return super().request(method, path, **options)

    titles: list[set[str]] = []
    for seed in ("first", "second"):
        titles.append(set())
        run(checks["read.item"], Spy(), seed)
    assert titles[0]
    assert not titles[0] & titles[1]
