"""What learner code may do with the suite's objects.

Only objects that the suite has passed in this test have a number. A number gives no more than is
listed here: calling what may be called, the special methods that the suite's own class defines,
and attributes that the suite's own class or object has. Names that begin with an underscore are
never reachable, nor is anything that a library class defines, except the listed methods of files.
"""

from __future__ import annotations

import builtins
import functools
import io
import operator
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from backpath_sdk.learner.errors import CannotCross
from wire.signatures import describe_parameters
from wire.specials import ALL

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

IO_KINDS = (io.StringIO, io.BytesIO, io.TextIOWrapper, io.BufferedReader, io.BufferedWriter)
IO_NAMES = frozenset(
    {
        *("read", "readline", "readlines", "write", "writelines", "seek", "tell", "flush"),
        *("close", "closed", "getvalue", "truncate", "readable", "writable", "seekable"),
    }
)
CALLABLES = (functools.partial, operator.itemgetter, operator.attrgetter, operator.methodcaller)
IO_SPECIALS = frozenset({"__iter__", "__next__", "__enter__", "__exit__"})
# Containers whose bound methods may be callbacks: `results.append`.
METHOD_OWNERS = (list, dict, set, str, *IO_KINDS)
LIBRARY = tuple(
    f"{Path(place).resolve()}/"
    for place in (sys.prefix, sys.base_prefix, Path(__file__).parents[1])
)
MOCK_API = frozenset(dir(mock.NonCallableMock)) | frozenset(dir(mock.MagicMock()))
LINE_ERRORS = (OSError, EOFError)


@functools.cache
def is_suites_module(name: str | None) -> bool:
    """Say whether a module belongs to the suite rather than to a library."""
    module = sys.modules.get(name or "")
    file = getattr(module, "__file__", None)
    return type(file) is str and not str(Path(file).resolve()).startswith(LIBRARY)


def is_suites_class(kind: type) -> bool:
    """Say whether a class is defined by the suite."""
    return is_suites_module(kind.__module__)


def is_suites_function(value: types.FunctionType) -> bool:
    """Say whether a function is defined by the suite."""
    return is_suites_module(value.__globals__.get("__name__"))


def library_name(value: Any) -> str | None:
    """Return the name of a function or class of the standard library, else None."""
    module = getattr(value, "__module__", None)
    path = getattr(value, "__qualname__", None)
    if isinstance(value, types.MethodDescriptorType | types.WrapperDescriptorType):
        module = value.__objclass__.__module__
    if type(module) is not str or type(path) is not str:
        return None
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    try:
        found = functools.reduce(getattr, path.split("."), sys.modules.get(module))
    except AttributeError:
        return None
    return f"{module}:{path}" if found is value else None


class Export:
    """One object of the suite that learner code has been given."""

    __slots__ = ("is_callable", "specials", "value")

    def __init__(self, value: Any, *, is_callable: bool, specials: frozenset[str]) -> None:
        self.value = value
        self.is_callable = is_callable
        self.specials = specials


class Exports:
    """The exports of one test."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next = 1
        self._by_number: dict[int, Export] = {}
        self._numbers: dict[Any, int] = {}

    def expire(self) -> None:
        """Make every number worthless."""
        self._by_number.clear()
        self._numbers.clear()

    def value_of(self, number: Any) -> Any:
        """Return the object behind a number. Raises LookupError."""
        return self._export(number).value

    def _export(self, number: Any) -> Export:
        if type(number) is not int or number not in self._by_number:
            raise LookupError("an object of another test")
        return self._by_number[number]

    def number_of(
        self, value: Any, *, is_callable: bool = False, specials: frozenset[str] = frozenset()
    ) -> int:
        """Return the number of `value`, which lives as long as the test from now on."""
        key = _identity(value)
        number = self._numbers.get(key)
        if number is None:
            number = self._next
            self._next += 1
            self._by_number[number] = Export(value, is_callable=is_callable, specials=specials)
            self._numbers[key] = number
        return number

    # Towards the learner ---------------------------------------------------------------

    def describe(self, value: Any) -> dict[str, Any]:
        """Return the tree of an object. Raises CannotCross for what learner code may not have."""
        name = library_name(value)
        if name is not None:
            return {"n": name}
        if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinMethodType):
            return self._function(value)
        if isinstance(value, IO_KINDS):
            return self._object(value, IO_SPECIALS)
        if isinstance(value, mock.NonCallableMock):
            return self._object(value, _specials_of_mock(value))
        if isinstance(value, CALLABLES):
            return self._object(value, frozenset({"__call__"}))
        if isinstance(value, type):
            if is_suites_class(value):
                return self._object(value, frozenset({"__call__"}), name=value.__name__)
        elif is_suites_class(type(value)):
            return self._object(value, _own_specials(type(value)))
        if isinstance(value, Iterator):
            return {"x": [self.number_of(value, specials=frozenset({"__next__"})), "it", None]}
        raise CannotCross(
            f"The check passes an object of type {type(value).__name__} to the learner's code; "
            "only plain data, functions, files and objects of the check's own classes can go there."
        )

    def _function(self, value: Any) -> dict[str, Any]:
        inner = value.__func__ if type(value) is types.MethodType else value
        parameters = None
        if isinstance(inner, types.FunctionType):
            if not is_suites_function(inner):
                raise CannotCross(f"The check passes the library's function {inner.__qualname__}.")
            parameters = describe_parameters(inner)
            if inner is not value:
                parameters = [parameters[0], parameters[1][1:], *parameters[2:]]
        elif not isinstance(getattr(value, "__self__", None), METHOD_OWNERS):
            raise CannotCross(f"The check passes the library's function {value!r}.")
        number = self.number_of(value, is_callable=True)
        doc = getattr(inner, "__doc__", None)
        return {"x": [number, "fn", [inner.__name__, doc, parameters]]}

    def _object(
        self, value: Any, specials: frozenset[str], *, name: str | None = None
    ) -> dict[str, Any]:
        number = self.number_of(value, is_callable="__call__" in specials, specials=specials)
        return {"x": [number, "obj", [name or type(value).__name__, sorted(specials)]]}

    # What learner code asks ------------------------------------------------------------

    def run(self, operation: str, arguments: tuple[Any, ...]) -> Any:
        """Do what learner code asks. Raises what the suite's object raises."""
        if operation == "line":
            return self._line()
        if operation == "next":
            return self._next_of(*arguments)
        table: dict[str, Callable[..., Any]] = {
            "call": self._call,
            "get": self._get,
            "set": self._set,
            "op": self._special,
        }
        return table[operation](*arguments)

    def _call(self, number: Any, args: Any, kwargs: Any) -> Any:
        export = self._export(number)
        if not export.is_callable:
            raise TypeError(f"{type(export.value).__name__!r} object is not callable")
        return export.value(*args, **kwargs)

    def _get(self, number: Any, name: Any) -> Any:
        value = self._export(number).value
        if not _is_reachable(value, name):
            raise AttributeError(f"{type(value).__name__!r} object has no attribute {str(name)!r}")
        return getattr(value, name)

    def _set(self, number: Any, name: Any, new: Any) -> None:
        value = self._export(number).value
        kind = type(value)
        is_allowed = (
            type(name) is str
            and name.isidentifier()
            and not name.startswith("_")
            and is_suites_class(kind)
            and not isinstance(value, unittest.TestCase | mock.NonCallableMock | type)
            and not callable(getattr(kind, name, None))
        )
        if not is_allowed:
            raise AttributeError(f"{kind.__name__!r} object attribute {str(name)!r} is read-only")
        setattr(value, name, new)

    def _special(self, number: Any, name: Any, args: Any) -> Any:
        export = self._export(number)
        if type(name) is not str or name not in export.specials or name not in ALL:
            return NotImplemented
        if isinstance(export.value, mock.NonCallableMock):
            return getattr(export.value, name)(*args)
        return getattr(type(export.value), name)(export.value, *args)

    def _next_of(self, number: Any) -> Any:
        export = self._export(number)
        if "__next__" not in export.specials:
            raise TypeError(f"{type(export.value).__name__!r} object is not an iterator")
        try:
            return [next(export.value)]
        except StopIteration:
            return []

    def _line(self) -> str:
        """Return the next line of standard input, from the test's own or from `input`."""
        lines = self._session.stdin
        if lines is not None:
            return lines.pop(0) if lines else ""
        try:
            line: Any = builtins.input()
        except LINE_ERRORS:
            return ""
        return f"{line}\n" if isinstance(line, str) else ""


def _identity(value: Any) -> Any:
    """Return what tells objects apart. A bound method is a new object each time it is looked up,
    and yet the same callback."""
    if isinstance(value, types.MethodType):
        return (id(value.__self__), id(value.__func__))
    if isinstance(value, types.BuiltinMethodType):
        return (id(value.__self__), value.__name__)
    return id(value)


def _is_reachable(value: Any, name: Any) -> bool:
    """Say whether learner code may read `value.name`."""
    if type(name) is not str or not name.isidentifier() or name.startswith("_"):
        return False
    if isinstance(value, IO_KINDS):
        return name in IO_NAMES
    if isinstance(value, mock.NonCallableMock):
        return name not in MOCK_API
    kind = value if isinstance(value, type) else type(value)
    own = [base for base in kind.__mro__ if is_suites_class(base)]
    if any(name in base.__dict__ for base in own):
        return True
    if isinstance(value, type) or not own:
        return False
    # A __getattr__ of the suite's own says for itself what it gives.
    instance: Any = value
    return name in getattr(instance, "__dict__", ()) or any(
        "__getattr__" in b.__dict__ for b in own
    )


def _own_specials(kind: type) -> frozenset[str]:
    own = [base for base in kind.__mro__ if is_suites_class(base)]
    return frozenset(name for name in ALL for base in own if base.__dict__.get(name) is not None)


def _specials_of_mock(value: mock.NonCallableMock) -> frozenset[str]:
    names = {"__call__"} if isinstance(value, mock.CallableMixin) else set()
    if isinstance(value, mock.MagicMixin):
        names |= {"__enter__", "__exit__", "__iter__", "__len__", "__getitem__", "__contains__"}
    return frozenset(names)
