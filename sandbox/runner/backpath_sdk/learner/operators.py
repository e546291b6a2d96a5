"""The special methods of proxies, and what keeps objects that lie from winning.

- A plain value that a test compares with `==` or `!=` never leaves the suite.
- An object without a built-in base has no order with a plain value, and a difference from a plain
  value is an object too, whose number nobody may ask for: `abs(got - expected)` would otherwise
  be zero on the learner's word.
- What derives from a built-in type compares and calculates as that type, here.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
from collections.abc import Callable, Generator, Iterable
from typing import Any

import pytest

from backpath_sdk.expectations import CheckFailed, CheckTimedOut
from backpath_sdk.learner.handles import REAL_DICT, handle_of, is_instance_proxy
from wire import specials
from wire.plain import Encoder

SYMBOLS = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}
NUMBERS = (int, float, complex, decimal.Decimal, fractions.Fraction, datetime.timedelta)
PLAIN = frozenset(Encoder().handlers) | {str, int, float, bool, type(None)}
DIFFERENCES = frozenset({"__sub__", "__rsub__", "__isub__", "__xor__", "__rxor__", "__ixor__"})
RATIOS = frozenset({"__truediv__", "__rtruediv__", "__mod__", "__rmod__", "__divmod__"})
TAINT = "\0difference"
VERDICTS = (
    AssertionError,
    CheckFailed,
    CheckTimedOut,
    pytest.fail.Exception,
    pytest.skip.Exception,
)
EXACT: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "__str__": (str, str.__str__),
    "__repr__": (str, str.__str__),
    "__format__": (str, str.__str__),
    "__int__": (int, int.__pos__),
    "__index__": (int, int.__pos__),
    "__len__": (int, int.__pos__),
    "__hash__": (int, int.__pos__),
    "__float__": (float, float.__pos__),
}

Method = Callable[..., Any]


def ask(proxy: Any, name: str, *args: Any) -> Any:
    """Have the special method `name` of the learner's object run."""
    handle = handle_of(proxy)
    if handle is None:
        raise TypeError("not an object of the learner's")
    return handle.session.ask("special", proxy, name, args)


def is_plain(value: Any) -> bool:
    """Say whether `value` is of an exact built-in type."""
    return type(value) in PLAIN


def _equality(name: str) -> Method:
    def method(self: Any, other: Any) -> Any:
        if handle_of(other) is not None:
            return ask(self, name, other)
        # Never on the learner's word. What is neither may have an opinion, such as mock.ANY.
        return name == "__ne__" if is_plain(other) else NotImplemented

    return method


def _order(name: str) -> Method:
    def method(self: Any, other: Any) -> Any:
        if handle_of(other) is not None:
            return ask(self, name, other)
        if is_plain(other):
            raise TypeError(
                f"{SYMBOLS[name]!r} between an object of the class {type(self).__name__} and a "
                f"plain {type(other).__name__} has no answer here"
            )
        return NotImplemented

    return method


def _arithmetic(name: str) -> Method:
    def method(self: Any, other: Any, *rest: Any) -> Any:
        result = ask(self, name, other, *rest)
        if result is NotImplemented or handle_of(other) is not None:
            return result
        if name in DIFFERENCES or name in RATIOS:
            has_word = is_plain(result) and (name in DIFFERENCES or isinstance(result, NUMBERS))
            if has_word:
                raise TypeError(
                    f"{name} of an object of the class {type(self).__name__} and a plain "
                    f"{type(other).__name__} gives a plain value, which proves nothing"
                )
            if is_instance_proxy(result):
                REAL_DICT.__get__(result)[TAINT] = True
        return result

    return method


def _number(name: str) -> Method:
    def method(self: Any, *args: Any) -> Any:
        if REAL_DICT.__get__(self).get(TAINT):
            raise TypeError(
                f"{name} of a difference between an object of the class {type(self).__name__} "
                "and a plain value proves nothing"
            )
        return exact(name, ask(self, name, *args))

    return method


def exact(name: str, value: Any) -> Any:
    """Return `value` as the exact built-in type that the method `name` has to give."""
    kind, convert = EXACT.get(name, (None, None))
    if kind is not None and convert is not None and isinstance(value, kind):
        return convert(value)
    return value


def _forwarded(name: str) -> Method:
    def method(self: Any, *args: Any) -> Any:
        return exact(name, ask(self, name, *args))

    return method


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    handle = handle_of(self)
    return None if handle is None else handle.session.ask("call", self, args, tuple(kwargs.items()))


def _next(self: Any) -> Any:
    handle = handle_of(self)
    if handle is None:
        raise StopIteration
    goes_on, value = step(handle.session.ask("next", self))
    if not goes_on:
        raise StopIteration if value is None else StopIteration(value)
    return value


def step(reply: Any) -> tuple[bool, Any]:
    """Return whether an iterator goes on, and its item or result."""
    if type(reply) is not list or len(reply) != 2:
        return False, None
    return reply[0] is True, reply[1]


async def _anext(self: Any) -> Any:
    handle = handle_of(self)
    goes_on, value = step(handle.session.ask("anext", self)) if handle else (False, None)
    if not goes_on:
        raise StopAsyncIteration
    return value


def _await(self: Any) -> Generator[Any, Any, Any]:
    handle = handle_of(self)
    result = None if handle is None else handle.session.ask("await", self)
    # A generator, as `await` wants one, that never waits.
    yield from ()
    return result


def _exit(self: Any, _kind: Any, error: Any, _trace: Any) -> Any:
    swallows = ask(self, "__exit__", error)
    return False if is_verdict(error) else swallows


def is_verdict(error: object) -> bool:
    """Whether `error` is the test's own word on what it saw, which no learner may take back."""
    return isinstance(error, VERDICTS)


async def _aenter(self: Any) -> Any:
    return await ask(self, "__aenter__")


async def _aexit(self: Any, _kind: Any, error: Any, _trace: Any) -> Any:
    swallows = await ask(self, "__aexit__", error)
    return False if is_verdict(error) else swallows


def _dir(self: Any) -> Any:
    handle = handle_of(self)
    return [] if handle is None else handle.session.ask("dir", self)


FIXED: dict[str, Method] = {
    "__call__": _call,
    "__next__": _next,
    "__anext__": _anext,
    "__await__": _await,
    "__exit__": _exit,
    "__aenter__": _aenter,
    "__aexit__": _aexit,
    "__dir__": _dir,
}


def special_method(name: str) -> Method:
    """Return the special method `name` for a proxy without a built-in base."""
    if name in FIXED:
        return FIXED[name]
    for names, make in (
        (specials.EQUALITY, _equality),
        (specials.ORDER, _order),
        (specials.BINARY | specials.INPLACE, _arithmetic),
        (specials.NUMERIC, _number),
    ):
        if name in names:
            return _named(name, make(name))
    return _named(name, _forwarded(name))


def _named(name: str, method: Method) -> Method:
    method.__name__ = name
    return method


# Proxies that hold a base value --------------------------------------------------------

FROM_LEARNER = specials.TEXT | specials.MANAGER | specials.ASYNC | {"__call__", "__next__"}
FROM_BASE = specials.BINARY | specials.ORDER | specials.EQUALITY


def valued_method(name: str, base: type) -> Method | None:
    """Return the special method `name` for a proxy that derives from `base`; None where the
    base's own is right."""
    if name in FROM_LEARNER:
        return special_method(name)
    if name not in FROM_BASE:
        return None
    of_base: Any = getattr(base, name, None)

    def method(self: Any, other: Any, *rest: Any) -> Any:
        if is_instance_proxy(other):
            return ask(self, name, other, *rest)
        return NotImplemented if of_base is None else of_base(self, other, *rest)

    return _named(name, method)


LEFT_ALONE = frozenset(
    f"__{name}__"
    for name in (
        *("new", "init", "class", "getattribute", "setattr", "delattr", "dir", "doc", "hash"),
        *("init_subclass", "subclasshook", "reduce", "reduce_ex", "getstate", "sizeof"),
        *("class_getitem", "call"),
    )
)
CHANGING = specials.INPLACE | {"__setitem__", "__delitem__"}


def mutable_methods(
    base: type, own: Iterable[str], refresh: Callable[[Any], None]
) -> dict[str, Method]:
    """Return the methods of a proxy that derives from a list, dict or set.

    `own` are the special methods that the learner's class defines. What is only read is read from
    a fresh snapshot; what changes the object runs on the learner's side.
    """
    defined = set(own)
    methods: dict[str, Method] = {}
    for name in dir(base):
        of_base = getattr(base, name)
        if name in LEFT_ALONE or not callable(of_base):
            continue
        if not name.startswith("__"):
            methods[name] = _changing_method(name)
        elif name in CHANGING:
            methods[name] = _named(name, _forwarded(name))
        elif (name in defined and name in FROM_LEARNER | {"__getitem__"}) or (
            name == "__getitem__" and "__missing__" in defined
        ):
            methods[name] = special_method(name)
        else:
            methods[name] = _reading_method(name, of_base, refresh, is_own=name in defined)
    return methods


def _changing_method(name: str) -> Method:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        handle = handle_of(self)
        if handle is None:
            raise TypeError("not an object of the learner's")
        return handle.session.ask("method", self, name, args, tuple(kwargs.items()))

    return _named(name, method)


def _reading_method(
    name: str, of_base: Any, refresh: Callable[[Any], None], *, is_own: bool
) -> Method:
    def method(self: Any, *args: Any) -> Any:
        if args and is_instance_proxy(args[0]) and name in FROM_BASE:
            if is_own:
                return ask(self, name, *args)
            refresh(args[0])
        refresh(self)
        return of_base(self, *args)

    return _named(name, method)
