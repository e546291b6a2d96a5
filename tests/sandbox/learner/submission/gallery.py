"""One of everything that a learner may write."""

import asyncio
import collections
import datetime
import decimal
import enum
import fractions
import io
import random
import re
import sys
import time
from dataclasses import dataclass, field
from typing import NamedTuple

LIMIT = 5
TABLE = {"a": [1, 2], "b": (3, {4})}


class Oops(ValueError):
    def __init__(self, message, code=3):
        self.message = message
        self.code = code

    def __str__(self):
        return f"oops: {self.message}"


class WorseOops(Oops, KeyError):
    """Two bases."""


def add(first, second=2, *rest, scale=1, **named):
    """Add things."""
    return (first + second + sum(rest) + sum(named.values())) * scale


def same(value):
    return value


def kind_of(value):
    return type(value).__name__


def fail(message="no"):
    raise Oops(message)


def fail_worse():
    raise WorseOops("both", 7)


def fail_builtin(name, *args):
    raise getattr(__builtins__, name, None) or __builtins__[name](*args) from None


def fail_with_cause():
    try:
        {}["x"]
    except KeyError as error:
        error.add_note("look here")
        raise RuntimeError("outer") from error


def leave(code):
    sys.exit(code)


def count_to(limit):
    for number in range(limit):
        got = yield number
        if got:
            yield ("got", got)
    return "done"


def greet():
    print("hello", end="!\n")  # noqa: T201 - what the test is about
    sys.stderr.write("trouble\n")


def ask_name():
    return f"name: {input('who? ')}"


def read_all():
    return sys.stdin.read().split()


def change(items):
    if isinstance(items, list):
        items.append(items[0])
    elif isinstance(items, dict):
        items["new"] = [1]
    else:
        items.add("new")
    return items


def change_inner(rows):
    rows[0][0] = "changed"
    return rows[0]


def call(function, *args, **kwargs):
    return function(*args, **kwargs)


def call_and_catch(function):
    try:
        return function()
    except ValueError as error:
        return f"caught {error}"


def total(items):
    return sum(items)


def read_from(file):
    with file as opened:
        return [line.strip() for line in opened]


def write_to(file, text):
    file.write(text)
    return file


def attribute(thing, name):
    return getattr(thing, name)


def roll():
    return random.randint(1, 10**9)


def wait():
    time.sleep(0)
    return time.time()


async def later(value):
    await asyncio.sleep(0)
    return value * 2


async def ticks(limit):
    for number in range(limit):
        await asyncio.sleep(0)
        yield number


def decorate(function):
    def wrapper(*args):
        return ("wrapped", function(*args))

    return wrapper


def match(pattern, text):
    return re.match(pattern, text)


def values():
    return [
        1.5,
        -0.0,
        10**80,
        1 << 400,
        b"\x00\xff",
        bytearray(b"x"),
        {1: "a", (2, 3): None},
        {1, 2},
        frozenset({3}),
        (1, (2,)),
        None,
        True,
        1 + 2j,
        range(5, 1, -2),
        "é\x00\U0001f600",
        [[1], []],
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.UTC),
        datetime.time(1, 2),
        datetime.timedelta(days=-1, microseconds=5),
        decimal.Decimal("1.10"),
        fractions.Fraction(1, 3),
        collections.deque([1, 2], maxlen=3),
        collections.Counter("aab"),
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        slice(1, None, 2),
        list[int],
        ...,
        int,
        ValueError,
        {"k": 1}.keys(),
        {"k": 1}.items(),
        float("inf"),
    ]


class Point:
    """A point."""

    count = 0
    __hash__ = None

    def __init__(self, x, y=0):
        self.x = x
        self.y = y
        Point.count += 1

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __lt__(self, other):
        return (self.x, self.y) < (other.x, other.y)

    def __add__(self, other):
        if isinstance(other, Point):
            return Point(self.x + other.x, self.y + other.y)
        return Point(self.x + other, self.y)

    __radd__ = __add__

    def __sub__(self, other):
        return Point(self.x - other, self.y) if not isinstance(other, Point) else self.x - other.x

    def __iadd__(self, other):
        self.x += other
        return self

    def __abs__(self):
        return abs(self.x) + abs(self.y)

    def __repr__(self):
        return f"Point({self.x}, {self.y})"

    def __len__(self):
        return 2

    def __bool__(self):
        return bool(self.x or self.y)

    def __iter__(self):
        return iter((self.x, self.y))

    def __getitem__(self, index):
        return (self.x, self.y)[index]

    def __contains__(self, item):
        return item in (self.x, self.y)

    def __call__(self, factor=2):
        return Point(self.x * factor, self.y * factor)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.left_by = kind
        return kind is not None and issubclass(kind, KeyError)

    def __format__(self, spec):
        return f"<{spec}:{self.x}>"

    @property
    def norm(self):
        return self.x**2 + self.y**2

    @norm.setter
    def norm(self, value):
        self.x, self.y = value, 0

    def move(self, dx=1):
        """Move it."""
        self.x += dx
        return self

    def describe(self):
        return f"at {self.name()}"

    def name(self):
        return f"{self.x}/{self.y}"

    @classmethod
    def origin(cls):
        return cls(0, 0)

    @staticmethod
    def axes():
        return ["x", "y"]


class Point3(Point):
    def __init__(self, x, y=0, z=0):
        super().__init__(x, y)
        self.z = z


class Plain:
    pass


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Pair(NamedTuple):
    left: int
    right: int = 0


@dataclass(order=True)
class Item:
    name: str
    tags: list = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    name: str


class Money(float):
    def __add__(self, other):
        return Money(float(self) + float(other))

    def cents(self):
        return int(self * 100)


class Stack(list):
    def push(self, item):
        self.append(item)
        return self


class Bag(dict):
    def __missing__(self, key):
        return 0


class Node:
    def __init__(self, value, after=None):
        self.value = value
        self.after = after

    def __iter__(self):
        node = self
        while node is not None:
            yield node.value
            node = node.after


class Countdown:
    def __init__(self, start):
        self.left = start

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left


class Cell:
    def __init__(self, value):
        self.watchers = []
        self._value = value

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = new
        for watcher in self.watchers:
            watcher(new)

    def watch(self, watcher):
        self.watchers.append(watcher)

    def unwatch(self, watcher):
        self.watchers.remove(watcher)


class Base:
    def run(self):
        return f"{self.step()}!"

    def step(self):
        raise NotImplementedError


BUFFER = io.StringIO("one\ntwo\n")
ORIGIN = Point(0, 0)
