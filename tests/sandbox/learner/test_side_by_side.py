"""The same lines against a module in this process and against its proxy: nothing differs."""

from __future__ import annotations

import asyncio
import copy
import inspect
import io
import random
import types
from collections.abc import Callable
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

Deed = Callable[[Any], Any]


class Holder:
    """An object of the suite's own."""

    def __init__(self) -> None:
        self.name = "holder"
        self.items = [1, 2]

    def shout(self, text: str) -> str:
        return text.upper()

    def __len__(self) -> int:
        return 9


def make_holder() -> Holder:
    return Holder()


class SuiteError(ValueError):
    """An exception of the suite's own."""


def shown(value: Any) -> Any:
    """Return `value` so that both sides can be compared: exact types and representations."""
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(shown, value)]
    return (type(value).__name__, repr(value))


def caught(deed: Callable[[], Any]) -> Any:
    try:
        return ("gave", shown(deed()))
    except Exception as error:
        bases = [kind.__name__ for kind in type(error).__mro__ if kind.__name__ != "Mirrored"]
        facts = {k: v for k, v in vars(error).items() if k in ("message", "code", "__notes__")}
        return (bases, str(error), error.args, facts, shown(error.__cause__))


def with_list(m: Any) -> Any:
    items = [3, 1]
    result = m.change(items)
    return items, result is items


def with_dict(m: Any) -> Any:
    table: dict[Any, Any] = {"a": 1}
    return m.change(table), table


def with_rows(m: Any) -> Any:
    rows = [[1, 2], [3]]
    inner = m.change_inner(rows)
    return rows, inner is rows[0]


def changed_after(m: Any) -> Any:
    items = [1]
    node = m.Node(items)
    items.append(2)
    return list(m.same(node.value)), node.value is items


def context(m: Any) -> Any:
    point = m.Point(1, 2)
    with point as inside:
        raise KeyError("x")
    return point.left_by, inside is point  # type: ignore[unreachable]  # __exit__ swallows it


def patched_function(m: Any) -> Any:
    with mock.patch.object(m, "add", return_value=99) as fake:
        during = m.add(5)
        fake.assert_called_once_with(5)
    return during, m.add(5)


def patched_method(m: Any) -> Any:
    point = m.Point(1, 2)
    with mock.patch.object(m.Point, "name", return_value="nowhere"):
        during = point.describe()
    return during, point.describe(), m.Point(3).name()


def patched_data(m: Any) -> Any:
    with mock.patch.object(m, "LIMIT", 6):
        during = m.LIMIT
    return during, m.LIMIT


def watched(m: Any) -> Any:
    seen: list[Any] = []
    cell = m.Cell(1)
    cell.watch(seen.append)
    cell.value = 2
    cell.unwatch(seen.append)
    cell.value = 3
    return seen, cell.value


def sent(m: Any) -> Any:
    generator = m.count_to(3)
    return next(generator), generator.send("hey"), list(generator)


def returned(m: Any) -> Any:
    def through() -> Any:
        result = yield from m.count_to(1)
        yield result

    return list(through())


def printed(m: Any) -> Any:
    out = io.StringIO()
    with redirect_stdout(out):
        m.greet()
    return out.getvalue()


async def awaited(m: Any) -> Any:
    return [await m.later(2), [tick async for tick in m.ticks(3)]]


def stored(m: Any) -> Any:
    point = m.Point(1)
    point.x = 5
    point.extra = [1]
    del point.y
    point.norm = 7
    return point.extra, vars(point), hasattr(point, "nothing"), point.x


def own_exception(m: Any) -> Any:
    error = SuiteError("mine")

    def raising() -> None:
        raise error

    try:
        m.call(raising)
    except SuiteError as same:
        return same is error
    return "nothing"


def overridden(m: Any) -> Any:
    class Mine(m.Base):  # type: ignore[misc]  # a class of a module that is known at run time
        greeting = "hi"

        def step(self) -> str:
            return f"mine {self.greeting}"

    return Mine().run(), isinstance(Mine(), m.Base), Mine.greeting


def overridden_with_super(m: Any) -> Any:
    class Mine(m.Point):  # type: ignore[misc]  # a class of a module that is known at run time
        def __init__(self, x: int) -> None:
            super().__init__(x, 1)
            self.extra = "more"

        def name(self) -> str:
            return f"<{super().name()}>"

        @property
        def double(self) -> int:
            return int(self.x) * 2

    mine = Mine(4)
    return mine.describe(), mine.extra, mine.double, m.attribute(mine, "double"), type(mine) is Mine


DEEDS: list[Deed] = [
    overridden,
    overridden_with_super,
    lambda m: m.LIMIT,
    lambda m: m.TABLE,
    lambda m: m.add(1),
    lambda m: m.add(1, 2, 3, scale=2, x=4),
    lambda m: m.values(),
    lambda m: [m.same(value) for value in m.values()],
    lambda m: [m.kind_of(value) for value in m.values()],
    lambda m: m.fail(),
    lambda m: m.fail_worse(),
    lambda m: m.fail_with_cause(),
    lambda m: m.add("x", 1),
    lambda m: m.nothing,
    lambda m: m.add(),
    lambda m: list(m.count_to(3)),
    sent,
    returned,
    lambda m: isinstance(m.count_to(1), types.GeneratorType),
    printed,
    with_list,
    with_dict,
    with_rows,
    changed_after,
    lambda m: m.change({1}),
    lambda m: m.call(lambda a, b=2: a * b, 4),
    lambda m: m.call(int, "7"),
    lambda m: m.call("x".join, ["a", "b"]),
    lambda m: m.call(str.upper, "up"),
    lambda m: m.call(max, [1, 5]),
    lambda m: m.call_and_catch(lambda: int("x")),
    own_exception,
    lambda m: m.total(number * 2 for number in range(4)),
    lambda m: m.total(iter([1, 2])),
    lambda m: m.read_from(io.StringIO("a\nb\n")),
    lambda m: m.write_to(io.StringIO(), "text").getvalue(),
    lambda m: m.attribute(Holder(), "name"),
    lambda m: m.call(Holder().shout, "hey"),
    lambda m: m.call(len, Holder()),
    lambda m: m.call(make_holder).name,
    lambda m: m.call(Holder).items,
    lambda m: m.decorate(lambda x: x + 1)(4),
    lambda m: m.match("a(b)", "abc").group(1),
    lambda m: m.match("x", "abc"),
    lambda m: m.BUFFER.getvalue(),
    lambda m: [m.Point(1, 2), m.Point(1), str(m.Point(3)), f"{m.Point(1):s}"],
    lambda m: [m.Point(1) == m.Point(1), m.Point(1) != m.Point(1), m.Point(1) == m.Point(2)],
    lambda m: [m.Point(1) == 1, m.Point(1) == 1, m.Point(1) != (1, 0), m.Point(1) == None],  # noqa: E711
    lambda m: [m.Point(1) < m.Point(2), sorted([m.Point(2), m.Point(1)])],
    lambda m: m.Point(1) > 3,
    lambda m: [m.Point(1, 1) + m.Point(1), m.Point(1) + 4, 4 + m.Point(1), sum([m.Point(1)], 5)],
    lambda m: [abs(m.Point(-1, 2)), len(m.Point(1)), bool(m.Point(0)), list(m.Point(1, 2))],
    lambda m: [m.Point(3, 4)[1], 4 in m.Point(3, 4), 5 in m.Point(3, 4), m.Point(1)(3)],
    lambda m: m.Point(1)[9],
    lambda m: [*m.Point(5, 6)],
    lambda m: hash(m.Point(1)),
    lambda m: m.Point(1).move(2).move().x,
    lambda m: [m.Point.origin(), m.Point.axes(), m.Point3.origin(), m.Point3(1, 2, 3).z],
    lambda m: [isinstance(m.Point3(1), m.Point), issubclass(m.Point3, m.Point), m.Point.__name__],
    lambda m: [type(m.Point(1)) is m.Point, type(m.Point3.origin()) is m.Point3],
    lambda m: m.Point.missing,
    lambda m: m.Point(1).missing,
    lambda m: m.Plain() + 1,
    lambda m: m.Plain() == m.Plain(),
    lambda m: len({m.Plain(), m.Plain()}),
    lambda m: [m.ORIGIN is m.ORIGIN, m.Point.origin() == m.ORIGIN],
    stored,
    context,
    lambda m: copy.copy(m.Point(4)).x,
    lambda m: [list(m.Color), m.Color.RED is m.Color(1), m.Color["BLUE"].value, len(m.Color)],
    lambda m: [m.Color.RED == 1, m.Color.RED in m.Color, m.Color.RED is m.same(m.Color.RED)],
    lambda m: m.Color(9),
    lambda m: {m.Color.RED: 1}[m.Color.RED],
    lambda m: [m.Level.LOW + 1, m.Level.LOW == 1, m.Level.HIGH > m.Level.LOW, m.Level(2).name],
    lambda m: [
        m.Pair(1, 2) == (1, 2),
        m.Pair(1).right,
        m.Pair(3, 4).left,
        m.Pair(1)._replace(left=4),
    ],
    lambda m: divmod(*m.Pair(7, 2)),
    lambda m: [m.Item("a") == m.Item("a"), m.Item("a") < m.Item("b"), m.Item("a", [1]).tags],
    lambda m: {m.Frozen("a"): 1}[m.Frozen("a")],
    lambda m: setattr(m.Frozen("a"), "name", "b"),
    lambda m: [m.Money(2.5) == 2.5, m.Money(1.5) * 2, m.Money(2).cents(), round(m.Money(2.6))],
    lambda m: type(m.Money(1) + m.Money(2)) is m.Money,
    lambda m: [m.Stack([1]).push(2), m.Stack([1]) == [1], len(m.Stack("ab")), m.Stack([3])[0]],
    lambda m: [list(m.Stack([1, 2]).push(3)), 2 in m.Stack([2]), m.Stack([1]) * 2],
    lambda m: isinstance(m.Stack(), list),
    lambda m: [m.Bag(a=1)["a"], m.Bag()["zz"], sorted(m.Bag(a=1, b=2)), m.Bag(a=1) == {"a": 1}],
    lambda m: list(m.Node(1, m.Node(2))),
    lambda m: m.Node(1, m.Node(2)).after.value,
    lambda m: list(m.Countdown(3)),
    lambda m: next(m.Countdown(0)),
    watched,
    patched_function,
    patched_method,
    patched_data,
    lambda m: asyncio.run(awaited(m)),
    lambda m: inspect.iscoroutinefunction(m.later),
    lambda m: [str(inspect.signature(m.add)), m.add.__doc__, m.add.__name__, m.Point.__doc__],
    lambda m: [m.Point.move.__doc__, str(inspect.signature(m.Point.move))],
    lambda m: [m.__doc__, m.__name__, callable(m.add), m.Point.count > 0],
]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_a_proxy_does_what_the_module_does(
    local: ModuleType, remote: ModuleType, deed: Deed
) -> None:
    assert caught(lambda: deed(remote)) == caught(lambda: deed(local))


def test_seeds_of_the_suite_hold_on_the_other_side(local: ModuleType, remote: ModuleType) -> None:
    from backpath_sdk.learner.patches import Patches

    patches = Patches(_session_of(remote))
    patches.install()
    try:
        random.seed(5)
        remotely = remote.roll()
    finally:
        patches.uninstall()
    random.seed(5)
    assert remotely == local.roll()


def test_patches_of_the_library_hold_on_the_other_side(remote: ModuleType) -> None:
    from backpath_sdk.learner.patches import Patches

    patches = Patches(_session_of(remote))
    patches.install()
    try:
        with mock.patch("time.time", return_value=12.0) as fake:
            assert remote.wait() == 12.0
            fake.assert_called_once_with()
        assert remote.wait() > 12.0
        with mock.patch("builtins.open", mock.mock_open(read_data="a\nb")):
            assert remote.call(open, "nowhere").read() == "a\nb"
    finally:
        patches.uninstall()


def _session_of(module: ModuleType) -> Any:
    from backpath_sdk.learner.handles import HANDLES

    return HANDLES[module].session
