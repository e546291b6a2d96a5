"""Plain Python values as JSON trees, for the calls between a suite and the learner's modules.

Numbers, text, booleans, None and lists stand for themselves. Every other value is an object with
one key, its tag: `{"t": [1, 2]}` is the tuple (1, 2). Both ends subclass: `Encoder.other` decides
about values that are not plain, `Decoder.tags` grows by the tags of handles.

The decoder trusts nobody: it accepts what its tables name and builds exact built-in types.
"""

from __future__ import annotations

import base64
import collections
import datetime
import decimal
import fractions
import math
import operator
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any

MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_TEXT = 4 << 20
MAX_INT_HEX = 100_000
MAX_DECIMAL_DIGITS = 5_000
MAX_RANGE = 10_000_000
# Within these an integer travels as a JSON number, far below Python's limit for digits.
SMALL = 1 << 256

SCALARS = frozenset({str, bool, type(None)})
KEPT = frozenset({int, float, bool, type(None)})
SINGLETONS = {"...": Ellipsis, "NotImplemented": NotImplemented}
VIEWS = {type({}.keys()): "dk", type({}.values()): "dv", type({}.items()): "di"}


class BadValue(Exception):
    """A tree breaks the rules of this module."""


class TooLarge(Exception):
    """A value is over one of the caps; the text says which."""


def _named(*kinds: Any) -> dict[str, Any]:
    return {f"{kind.__module__}:{kind.__qualname__}": kind for kind in kinds}


# What may be spoken of by name towards the runner: types without side effects, nothing else.
NAMED: dict[str, Any] = _named(
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset),
    *(object, type, range, slice, type(None), type(Ellipsis), type(NotImplemented)),
    *(enumerate, zip, map, filter, reversed, property, staticmethod, classmethod),
    *(collections.deque, collections.Counter, collections.defaultdict, collections.OrderedDict),
    *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PosixPath, pathlib.PurePosixPath),
    *(types.FunctionType, types.GeneratorType, types.ModuleType, types.MethodType),
)
NAMES = {kind: name for name, kind in NAMED.items()}


class Encoder:
    """Turns values into trees. Raises TooLarge; what `other` raises passes through."""

    def __init__(self) -> None:
        self.nodes = 0
        self.handlers: dict[type, Callable[[Any, int], Any]] = {
            list: self.list_of,
            tuple: lambda value, depth: {"t": self.items_of(value, depth)},
            dict: lambda value, depth: {"d": self.pairs_of(value, depth)},
            set: lambda value, depth: {"s": self.items_of(value, depth)},
            frozenset: lambda value, depth: {"fs": self.items_of(value, depth)},
            collections.deque: lambda value, depth: {
                "q": [value.maxlen, self.items_of(value, depth)]
            },
            collections.Counter: lambda value, depth: {"C": self.pairs_of(value, depth)},
            collections.OrderedDict: lambda value, depth: {"od": self.pairs_of(value, depth)},
            collections.defaultdict: lambda value, depth: {
                "dd": [self.encode(value.default_factory, depth), self.pairs_of(value, depth)]
            },
            bytes: lambda value, _depth: {"y": _base64(value)},
            bytearray: lambda value, _depth: {"ya": _base64(value)},
            complex: lambda value, depth: {
                "c": [self.encode(value.real, depth), self.encode(value.imag, depth)]
            },
            decimal.Decimal: lambda value, _depth: {"D": str(value)},
            fractions.Fraction: lambda value, depth: {
                "Q": [self.encode(value.numerator, depth), self.encode(value.denominator, depth)]
            },
            datetime.date: lambda value, _depth: {"da": [value.year, value.month, value.day]},
            datetime.datetime: lambda value, depth: self._moment("dt", value, depth),
            datetime.time: lambda value, depth: self._moment("ti", value, depth),
            datetime.timedelta: lambda value, _depth: {
                "td": [value.days, value.seconds, value.microseconds]
            },
            datetime.timezone: self._zone,
            zoneinfo.ZoneInfo: self._zone,
            range: self._range,
            slice: lambda value, depth: {
                "sl": self.items_of((value.start, value.stop, value.step), depth)
            },
            pathlib.PosixPath: lambda value, _depth: {"P": str(value)},
            pathlib.PurePosixPath: lambda value, _depth: {"PP": str(value)},
            uuid.UUID: lambda value, _depth: {"U": value.hex},
            re.Pattern: self._pattern,
            type(Ellipsis): lambda _value, _depth: {"E": "..."},
            type(NotImplemented): lambda _value, _depth: {"E": "NotImplemented"},
            types.GenericAlias: lambda value, depth: {
                "ga": [self.encode(value.__origin__, depth), self.items_of(value.__args__, depth)]
            },
        }
        for kind, tag in VIEWS.items():
            self.handlers[kind] = self._view(tag)

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return `value` as a tree."""
        kind = type(value)
        if kind in SCALARS:
            return value
        if kind is int:
            return value if -SMALL < value < SMALL else {"i": _hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {"f": repr(value)}
        if depth > MAX_DEPTH:
            raise TooLarge(f"it is nested more than {MAX_DEPTH} levels deep")
        handler = self.handlers.get(kind)
        return self.other(value, depth) if handler is None else handler(value, depth + 1)

    def other(self, value: Any, _depth: int) -> Any:
        """Return the tree of a value that is not plain. Raises BadValue."""
        raise BadValue(f"{type(value).__name__} is not plain")

    def count(self, nodes: int) -> None:
        """Count `nodes` more towards the cap. Raises TooLarge."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise TooLarge(f"it holds more than {MAX_NODES:,} values")

    def list_of(self, value: list[Any], depth: int) -> Any:
        """Return the tree of a list."""
        return self.items_of(value, depth)

    def items_of(self, value: Iterable[Any], depth: int) -> list[Any]:
        """Return the trees of the items of `value`, which is a built-in container."""
        items = list(value)
        self.count(len(items))
        kinds = set(map(type, items))
        if kinds <= SCALARS:
            return items
        if kinds == {int} and max(items) < SMALL and min(items) > -SMALL:
            return items
        if kinds == {float} and all(map(math.isfinite, items)):
            return items
        encode = self.encode
        return [encode(item, depth) for item in items]

    def pairs_of(self, value: dict[Any, Any], depth: int) -> list[Any]:
        """Return keys and values in turn."""
        flat: list[Any] = []
        for pair in dict.items(value):
            flat += pair
        return self.items_of(flat, depth)

    def _view(self, tag: str) -> Callable[[Any, int], Any]:
        return lambda value, depth: {tag: self.items_of(value, depth)}

    def _moment(self, tag: str, value: Any, depth: int) -> Any:
        date = [value.year, value.month, value.day] if tag == "dt" else []
        clock = [value.hour, value.minute, value.second, value.microsecond, value.fold]
        return {tag: [*date, *clock, self.encode(value.tzinfo, depth)]}

    def _zone(self, value: Any, depth: int) -> Any:
        if type(value) is zoneinfo.ZoneInfo:
            key: str | None = value.key
            return self.other(value, depth) if key is None else {"zi": key}
        offset = value.utcoffset(None)
        name = value.tzname(None)
        has_name = name != datetime.timezone(offset).tzname(None)
        return {"tz": [self.encode(offset, depth), name if has_name else None]}

    def _range(self, value: range, depth: int) -> Any:
        span = abs(value.stop - value.start) // abs(value.step)
        if span > MAX_RANGE:
            return self.other(value, depth)
        return {"r": self.items_of((value.start, value.stop, value.step), depth)}

    def _pattern(self, value: re.Pattern[Any], depth: int) -> Any:
        return {"re": [self.encode(value.pattern, depth), value.flags]}


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _hex(value: int) -> str:
    text = hex(value)
    if len(text) > MAX_INT_HEX:
        raise TooLarge("it is an integer of more than 400,000 bits")
    return text


class Decoder:
    """Turns trees into values of exact built-in types. Raises BadValue."""

    def __init__(self) -> None:
        self.tags: dict[str, Callable[[Any, int], Any]] = {
            "t": lambda tree, depth: tuple(self.items(tree, depth)),
            "d": lambda tree, depth: self.fill(dict(), tree, depth),  # noqa: C408 - an empty dict to fill
            "s": self.collect,
            "fs": lambda tree, depth: frozenset(self.collect(tree, depth)),
            "q": lambda tree, depth: collections.deque(
                self.items(_list(tree, 2)[1], depth), maxlen=_optional(tree[0], int)
            ),
            "C": lambda tree, depth: self.fill(collections.Counter(), tree, depth),
            "od": lambda tree, depth: self.fill(collections.OrderedDict(), tree, depth),
            "dd": lambda tree, depth: self.fill(
                collections.defaultdict(self.factory(_list(tree, 2)[0], depth)), tree[1], depth
            ),
            "y": lambda tree, _depth: base64.b64decode(_exact(tree, str), validate=True),
            "ya": lambda tree, _depth: bytearray(
                base64.b64decode(_exact(tree, str), validate=True)
            ),
            "f": lambda tree, _depth: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[tree],
            "i": _integer,
            "c": lambda tree, depth: complex(*self.exact(_list(tree, 2), float, depth)),
            "D": _decimal,
            "Q": lambda tree, depth: fractions.Fraction(*self.exact(_list(tree, 2), int, depth)),
            "da": lambda tree, _depth: datetime.date(*_list(tree, 3)),
            "dt": lambda tree, depth: self._moment(datetime.datetime, _list(tree, 9), depth),
            "ti": lambda tree, depth: self._moment(datetime.time, _list(tree, 6), depth),
            "td": lambda tree, _depth: datetime.timedelta(*map(operator.index, _list(tree, 3))),
            "tz": self._zone,
            "zi": lambda tree, _depth: zoneinfo.ZoneInfo(_exact(tree, str)),
            "r": self._range,
            "sl": lambda tree, depth: slice(*self.items(_list(tree, 3), depth)),
            "P": lambda tree, _depth: pathlib.PosixPath(_exact(tree, str)),
            "PP": lambda tree, _depth: pathlib.PurePosixPath(_exact(tree, str)),
            "U": lambda tree, _depth: uuid.UUID(hex=_exact(tree, str)),
            "E": lambda tree, _depth: SINGLETONS[tree],
            "n": self.named,
            "ga": self._alias,
            "dk": lambda tree, depth: dict.fromkeys(self.collect(tree, depth, ordered=True)).keys(),
            "dv": lambda tree, depth: dict(enumerate(self.items(tree, depth))).values(),
            "di": lambda tree, depth: dict(self.items(tree, depth)).items(),
        }

    def decode(self, tree: Any, depth: int = 0) -> Any:
        """Return the value of `tree`."""
        kind = type(tree)
        if kind is str:
            if len(tree) > MAX_TEXT:
                raise BadValue(f"text of more than {MAX_TEXT:,} characters")
            return tree
        if kind in KEPT:
            return tree
        if depth > MAX_DEPTH:
            raise BadValue(f"nested more than {MAX_DEPTH} levels deep")
        if kind is list:
            return self.items(tree, depth + 1)
        if kind is not dict or len(tree) != 1:
            raise BadValue("neither a plain value nor a tag")
        ((tag, payload),) = tree.items()
        handler = self.tags.get(tag)
        if handler is None:
            raise BadValue(f"unknown tag {tag[:20]!r}")
        return handler(payload, depth + 1)

    def items(self, trees: Any, depth: int) -> list[Any]:
        """Return the values of a list of trees, in a new list."""
        if type(trees) is not list:
            raise BadValue("not a list")
        if set(map(type, trees)) <= KEPT:
            return trees[:]
        decode = self.decode
        return [decode(tree, depth) for tree in trees]

    def exact(self, trees: Any, kind: type, depth: int) -> list[Any]:
        """Return values that are all exactly of `kind`."""
        return [_exact(value, kind) for value in self.items(trees, depth)]

    def fill(self, target: Any, tree: Any, depth: int) -> Any:
        """Put keys and values, which come in turn, into `target`."""
        flat = self.items(tree, depth)
        # One by one, so that a signal gets through where keys were chosen to collide.
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            target[key] = value
        return target

    def collect(self, tree: Any, depth: int, *, ordered: bool = False) -> Any:
        """Return the values as a set; as a list of distinct values where order counts."""
        values = self.items(tree, depth)
        if ordered:
            return list(dict.fromkeys(values))
        result = set()
        for value in values:
            result.add(value)
        return result

    def factory(self, tree: Any, depth: int) -> Any:
        """Return the factory of a defaultdict."""
        return self.decode(tree, depth)

    def named(self, tree: Any, _depth: int) -> Any:
        """Return what has the name `tree`."""
        return NAMED[_exact(tree, str)]

    def _moment(self, kind: Any, parts: list[Any], depth: int) -> Any:
        *numbers, fold, zone = parts
        zone = self.decode(zone, depth)
        return kind(*map(operator.index, numbers), tzinfo=zone, fold=operator.index(fold))

    def _zone(self, tree: Any, depth: int) -> datetime.timezone:
        offset, name = _list(tree, 2)
        delta = _exact(self.decode(offset, depth), datetime.timedelta)
        return datetime.timezone(delta) if name is None else datetime.timezone(delta, name)

    def _range(self, tree: Any, depth: int) -> range:
        start, stop, step = self.exact(_list(tree, 3), int, depth)
        if step == 0 or abs(stop - start) // abs(step) > MAX_RANGE:
            raise BadValue("a range over the cap")
        return range(start, stop, step)

    def _alias(self, tree: Any, depth: int) -> types.GenericAlias:
        origin, arguments = _list(tree, 2)
        return types.GenericAlias(self.decode(origin, depth), tuple(self.items(arguments, depth)))


def _exact(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise BadValue(f"not {kind.__name__}")
    return value


def _list(tree: Any, size: int) -> list[Any]:
    if type(tree) is not list or len(tree) != size:
        raise BadValue(f"not a list of {size}")
    return tree


def _optional(value: Any, kind: type) -> Any:
    return value if value is None else _exact(value, kind)


def _integer(tree: Any, _depth: int) -> int:
    if len(_exact(tree, str)) > MAX_INT_HEX:
        raise BadValue("an integer over the cap")
    return int(tree, 16)


def _decimal(tree: Any, _depth: int) -> decimal.Decimal:
    if len(_exact(tree, str)) > MAX_DECIMAL_DIGITS:
        raise BadValue("a decimal over the cap")
    value = decimal.Decimal(tree)
    # Converting 1e999999999 to an integer would take all the memory there is.
    if value.is_finite() and value and abs(value.adjusted()) > MAX_DECIMAL_DIGITS:
        raise BadValue("a decimal over the cap")
    return value
