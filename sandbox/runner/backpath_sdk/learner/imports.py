"""The import hook: `import bob` in a suite gives the learner's `bob`, which runs elsewhere."""

from __future__ import annotations

import functools
import importlib.machinery
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FrameType, ModuleType
from typing import Any

from backpath_sdk.expectations import CheckFailed
from backpath_sdk.learner import exceptions
from backpath_sdk.learner.errors import ModuleBroken
from backpath_sdk.learner.exports import LIBRARY
from backpath_sdk.learner.module_proxies import BROKEN, ModuleProxy
from backpath_sdk.learner.session import Limits, Session

SHOWN_NAMES = 10


class LearnerImports:
    """Finds the modules of the submission.

    `names` are the top-level modules that the suite takes from the learner; they come before
    anything else of that name. Without names, what a file of the suite imports and nothing on
    this side provides is the learner's: a submission cannot stand in for a library or for a
    module of the grader.
    """

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        names: Iterable[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.session = Session(connect, limits)
        self._names = None if names is None else frozenset(names)
        self._told: frozenset[str] | None = None

    def install(self) -> None:
        """Start to answer imports. Raises ValueError for a name that this process uses itself."""
        if self._names is None:
            sys.meta_path.append(self)
            return
        taken = sorted(name for name in self._names if name in sys.modules)
        if taken:
            raise ValueError(f"the runner has modules of these names: {', '.join(taken)}")
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Stop answering and take the proxies out of the list of modules."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name, module in list(self.session.modules.items()):
            if sys.modules.get(name) is module:
                del sys.modules[name]
        self.session.close()

    def module(self, name: str) -> ModuleType:
        """Return the learner's module. Raises ModuleBroken if it cannot be imported."""
        module = self._load(name)
        broken = BROKEN.get(module)
        if broken is not None:
            raise broken
        return module

    # What the import system calls ------------------------------------------------------

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the learner's modules, None for every other."""
        top, _, below = fullname.partition(".")
        if not self._is_claimed(top):
            return None
        if below and not self._has_submodule(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)  # type: ignore[arg-type]  # a loader by its methods

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return the proxy."""
        return self._load(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing here: the module's code has run on the learner's side."""

    # ------------------------------------------------------------------------------------

    def _is_claimed(self, top: str) -> bool:
        if self._names is not None:
            return top in self._names
        if top in sys.stdlib_module_names:
            return False
        return top in self.session.modules or _is_suites_import() or top in self._told_names()

    def _told_names(self) -> frozenset[str]:
        if self._told is None:
            try:
                names = self.session.ask("names")
            except CheckFailed:
                return frozenset()
            self._told = frozenset(name for name in names if type(name) is str)
        return self._told

    def _has_submodule(self, fullname: str) -> bool:
        module = self._load(fullname)
        return module not in BROKEN or not isinstance(BROKEN[module], _NotThere)

    def _load(self, name: str) -> ModuleType:
        module = self.session.modules.get(name)
        if module is not None:
            return module  # type: ignore[no-any-return]  # a ModuleProxy
        module = ModuleProxy(name)
        self.session.modules[name] = module
        try:
            self.session.ask("load", name)
        except BaseException as error:
            if not (isinstance(error, CheckFailed) or self.session.is_learners(error)):
                del self.session.modules[name]
                raise
            BROKEN[module] = self._explain(name, error)
            self.session.missing.append(BROKEN[module])
            module.__dict__["__path__"] = []
        return module

    def _explain(self, name: str, error: BaseException) -> CheckFailed:
        if isinstance(error, CheckFailed):
            return error
        if isinstance(error, ModuleNotFoundError) and error.name in (name, *_parents(name)):
            there = ", ".join(sorted(self._told_names())[:SHOWN_NAMES]) or "none"
            return _NotThere(
                f"There is no module `{name}` in what you handed in. Modules there: {there}."
            )
        place = exceptions.place_of(error)
        where = f" ({place})" if place else ""
        return ModuleBroken(
            f"Your module `{name}` cannot be imported: {type(error).__name__}: {error}{where}."
        )


class _NotThere(ModuleBroken):
    """The submission has no such module."""


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _is_suites_import() -> bool:
    """Say whether the import under way stands in a file of the suite."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen importlib"):
            return _is_suites_file(file)
        frame = frame.f_back
    return False


@functools.cache
def _is_suites_file(file: str) -> bool:
    return not file.startswith("<") and not file.startswith(LIBRARY)
