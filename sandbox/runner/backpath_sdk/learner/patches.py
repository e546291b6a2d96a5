"""What a test does to the standard library is done on the learner's side too: patches, seeds."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from backpath_sdk.learner.handles import handle_of
from backpath_sdk.learner.session import Session


class Patches:
    """Mirrors `unittest.mock.patch` and `monkeypatch` of library modules, `random.seed` and the
    recursion limit, as long as it is installed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._originals: list[tuple[Any, str, Any]] = []
        # What is patched now, oldest first, for a process that is started later.
        self._active: list[tuple[str, str, Any]] = []
        self._seed: Any = None
        self._watched: dict[int, list[tuple[str, str]]] = {}
        session.on_open.append(self._replay)

    def install(self) -> None:
        """Start to watch."""
        self._wrap(mock._patch, "__enter__", self._entering)
        self._wrap(mock._patch, "__exit__", self._leaving)
        self._wrap(random, "seed", self._seeding)
        self._wrap(sys, "setrecursionlimit", self._limiting)
        self._wrap(pytest.MonkeyPatch, "setattr", self._setting)
        self._wrap(pytest.MonkeyPatch, "undo", self._undoing)

    def uninstall(self) -> None:
        """Stop watching."""
        while self._originals:
            setattr(*self._originals.pop())

    def _wrap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._originals.append((owner, name, original))
        setattr(owner, name, make(original))

    def _entering(self, original: Any) -> Any:
        def enter(patcher: Any) -> Any:
            result = original(patcher)
            place = library_place(patcher.target)
            if place is not None:
                self._patch(place, patcher.attribute, getattr(patcher.target, patcher.attribute))
            return result

        return enter

    def _leaving(self, original: Any) -> Any:
        def leave(patcher: Any, *exc_info: Any) -> Any:
            place = library_place(patcher.target)
            if place is not None:
                self._unpatch(place, patcher.attribute)
            return original(patcher, *exc_info)

        return leave

    def _seeding(self, original: Any) -> Any:
        def seed(a: Any = None, version: int = 2) -> None:
            original(a, version)
            self._seed = a
            if a is not None:
                self._mirror("seed", a)

        return seed

    def _limiting(self, original: Any) -> Any:
        def setrecursionlimit(limit: int) -> None:
            original(limit)
            self._mirror("recursion", limit)

        return setrecursionlimit

    def _setting(self, original: Any) -> Any:
        def set_attribute(patcher: Any, target: Any, name: Any, *rest: Any, **named: Any) -> None:
            original(patcher, target, name, *rest, **named)
            if isinstance(target, str):
                path, _, attribute = target.rpartition(".")
                target, name = sys.modules.get(path), attribute
            place = library_place(target)
            if place is not None:
                self._patch(place, name, getattr(target, name))
                self._watched.setdefault(id(patcher), []).append((place, name))

        return set_attribute

    def _undoing(self, original: Any) -> Any:
        def undo(patcher: Any) -> None:
            original(patcher)
            for place, name in reversed(self._watched.pop(id(patcher), [])):
                self._unpatch(place, name)

        return undo

    def _patch(self, place: str, name: str, value: Any) -> None:
        self._active.append((place, name, value))
        self._mirror("patch", place, name, value)

    def _unpatch(self, place: str, name: str) -> None:
        for position in range(len(self._active) - 1, -1, -1):
            if self._active[position][:2] == (place, name):
                del self._active[position]
                self._mirror("unpatch", place, name)
                return

    def _mirror(self, operation: str, *arguments: Any) -> None:
        if self._session.is_in_test and self._session.is_used:
            self._session.ask(operation, *arguments)

    def _replay(self) -> None:
        if self._seed is not None:
            self._session.ask("seed", self._seed)
        for place, name, value in self._active:
            self._session.ask("patch", place, name, value)


def library_place(target: Any) -> str | None:
    """Return the name of a module or class of the standard library, None for anything else."""
    if handle_of(target) is not None:
        return None
    if isinstance(target, types.ModuleType):
        is_library = target.__name__.partition(".")[0] in sys.stdlib_module_names
        return target.__name__ if is_library else None
    if isinstance(target, type) and target.__module__ in sys.stdlib_module_names:
        return f"{target.__module__}:{target.__qualname__}"
    return None
