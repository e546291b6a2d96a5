"""What the suite is told of the learner's classes and functions, once each.

An object's class is what `type` says. `__class__` is an attribute, and learner code may let it
say anything.
"""

from __future__ import annotations

import asyncio
import builtins
import collections
import enum
import inspect
import types
from collections.abc import Callable
from typing import Any

from agent.modules.captured import keep_builtins
from wire.signatures import describe_parameters
from wire.specials import ALL

keep_builtins(globals())

MAX_DOC = 20_000
MRO: Any = type.__dict__["__mro__"]
CLASS_DICT: Any = type.__dict__["__dict__"]
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
BUILTIN_EXCEPTIONS = frozenset(
    kind
    for kind in vars(builtins).values()
    if type(kind) is type and issubclass(kind, BaseException)
)
# Classes whose objects carry a snapshot, and how to take it without asking the object.
SNAPSHOTS: dict[type, Callable[[Any], Any]] = {
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    list: lambda value: list.__getitem__(value, slice(None)),
    dict: dict.copy,
    set: lambda value: set.union(set(), value),
    frozenset: lambda value: frozenset.union(frozenset(), value),
}
COPIED = {
    collections.OrderedDict: dict,
    collections.Counter: dict,
    collections.defaultdict: dict,
}


def mro_of(kind: type) -> tuple[type, ...]:
    """Return the classes that `kind` inherits from, itself first."""
    mro: tuple[type, ...] = MRO.__get__(kind)
    return mro


def base_of(kind: type) -> type | None:
    """Return the built-in value type that `kind` derives from."""
    return next((base for base in mro_of(kind) if base in SNAPSHOTS), None)


def is_exception(kind: type) -> bool:
    """Say whether `kind` is an exception class."""
    return BaseException in mro_of(kind)


def describe_function(number: int, function: Any) -> list[Any]:
    """Return [handle, name, qualified name, module, doc, flags, parameters]."""
    inner = function.__func__ if type(function) is types.MethodType else function
    parameters = None
    flags = ""
    if type(inner) is types.FunctionType:
        parameters = describe_parameters(inner)
        if type(function) is types.MethodType:
            parameters = [max(parameters[0] - 1, 0), parameters[1][1:], *parameters[2:]]
        if inner.__code__.co_flags & inspect.CO_COROUTINE:
            flags = "a"
    return [
        number,
        text_of(inner, "__name__", "function"),
        text_of(inner, "__qualname__", "function"),
        text_of(inner, "__module__", ""),
        text_of(inner, "__doc__", None),
        flags,
        parameters,
    ]


def text_of(value: Any, name: str, default: str | None) -> str | None:
    """Return an attribute that is text, cut to a sane length, or else `default`."""
    try:
        text = getattr(value, name)
    except Exception:
        return default
    return text[:MAX_DOC] if type(text) is str else default


def methods_of(kind: type) -> list[Any]:
    """Return [name, sort, function] for what `kind` itself defines; sort is one of m(ethod),
    c(lassmethod), s(taticmethod)."""
    found: list[Any] = []
    for name, value in CLASS_DICT.__get__(kind).items():
        if type(name) is not str:
            continue
        if name.startswith("__") and name.endswith("__") and name != "__init__":
            continue
        if type(value) is types.FunctionType:
            found.append([name, "m", value])
        elif type(value) in (classmethod, staticmethod):
            inner = value.__func__
            if type(inner) is types.FunctionType:
                found.append([name, "c" if type(value) is classmethod else "s", inner])
    return found


def specials_of(kind: type) -> list[str]:
    """Return the names of the special methods that `kind` has beyond those of a plain object."""
    found: set[str] = set()
    for base in mro_of(kind):
        if base is object or base in SNAPSHOTS or base in COPIED or base in BUILTIN_EXCEPTIONS:
            continue
        names = CLASS_DICT.__get__(base)
        found.update(name for name in ALL if names.get(name) is not None)
    if has_no_hash(kind):
        found.add("-__hash__")
    return sorted(found)


def has_no_hash(kind: type) -> bool:
    """Say whether objects of `kind` are unhashable by their class's own word."""
    for base in mro_of(kind):
        names = CLASS_DICT.__get__(base)
        if "__hash__" in names:
            return names["__hash__"] is None
    return False


def bases_of(kind: type, is_learners: Callable[[type], bool]) -> list[type]:
    """Return the bases to mirror: the learner's own, exceptions and built-in value types."""
    return [
        base
        for base in type.__dict__["__bases__"].__get__(kind)
        if is_learners(base) or is_exception(base) or base in SNAPSHOTS
    ]


def is_enum(kind: type) -> bool:
    """Say whether `kind` is an enumeration."""
    return enum.Enum in mro_of(kind)


def is_async_callable(value: Any) -> bool:
    """Say whether `value` is something to await."""
    return isinstance(value, types.CoroutineType | asyncio.Future)
