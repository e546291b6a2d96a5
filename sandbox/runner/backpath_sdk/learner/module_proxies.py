"""The learner's modules, as the suite sees them."""

from __future__ import annotations

import dis
import keyword
import sys
import types
import weakref
from typing import Any, NoReturn

from backpath_sdk.expectations import CheckFailed
from backpath_sdk.learner.errors import LearnerFailed
from backpath_sdk.learner.handles import HANDLES, handle_of
from wire.specials import ALL

IMPORT_FROM = dis.opmap["IMPORT_FROM"]
IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
READABLE = ("__version__", "__author__")
# Why a module has no content.
BROKEN: weakref.WeakKeyDictionary[Any, CheckFailed] = weakref.WeakKeyDictionary()


class ModuleProxy(types.ModuleType):
    """A module of the learner's. Functions and classes are kept, data is asked for each time."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in READABLE:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        frame = sys._getframe(1)
        is_import = frame.f_code.co_code[frame.f_lasti] == IMPORT_FROM
        broken = BROKEN.get(self)
        if broken is not None:
            # The import system itself asks a package for the names to import, before it tries
            # them as modules.
            if is_import or frame.f_code.co_filename == IMPORT_SYSTEM:
                return Missing(name, broken)
            raise _again(broken)
        handle = HANDLES[self]
        try:
            value = handle.session.ask("get", self, name)
        except AttributeError:
            if not is_import:
                raise
            failure = LearnerFailed(f"Your module `{self.__name__}` has no `{name}`.")
            handle.session.missing.append(failure)
            return Missing(name, failure)
        found = handle_of(value)
        if found is not None and isinstance(value, types.FunctionType | type):
            self.__dict__[name] = value
        elif found is not None and found.path is None:
            # An object with a name is found again when the process is replaced.
            found.path = (self.__name__, name)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        handle = HANDLES.get(self)
        is_protocol = name.startswith("__") and name.endswith("__")
        if handle is None or is_protocol or isinstance(value, ModuleProxy):
            super().__setattr__(name, value)
            return
        self.__dict__.pop(name, None)
        handle.session.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        handle = HANDLES.get(self)
        self.__dict__.pop(name, None)
        if handle is not None:
            handle.session.ask("del", self, name)

    def __dir__(self) -> Any:
        handle = HANDLES.get(self)
        return super().__dir__() if handle is None else handle.session.ask("dir", self)


def describe_module(module: ModuleProxy, doc: Any, names: Any, *, is_package: bool) -> None:
    """Give a module what the import system and `from m import *` look at."""
    space = module.__dict__
    space["__doc__"] = doc if type(doc) is str else None
    if type(names) is list:
        space["__all__"] = [
            name
            for name in names
            if type(name) is str and name.isidentifier() and not keyword.iskeyword(name)
        ]
    if is_package:
        space["__path__"] = []


def _again(failure: CheckFailed) -> CheckFailed:
    """Return a failure that can be raised once more, without the frames of the last time."""
    return type(failure)(failure.message)


class Missing:
    """Stands for a name that the learner's module lacks. Importing it is no failure yet: the
    tests that use it fail, one by one."""

    def __init__(self, name: str, failure: CheckFailed) -> None:
        vars(self)["\0failure"] = failure
        vars(self)["__name__"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        _raise(self)

    def __setattr__(self, name: str, value: Any) -> None:
        _raise(self)

    def __mro_entries__(self, _bases: Any) -> NoReturn:
        _raise(self)


def _raise(missing: Missing, *_args: Any, **_kwargs: Any) -> NoReturn:
    raise _again(vars(missing)["\0failure"])


for _name in ALL - {"__repr__", "__hash__", "__dir__"}:
    setattr(Missing, _name, _raise)
Missing.__hash__ = object.__hash__  # type: ignore[method-assign]  # __eq__ above took it away
