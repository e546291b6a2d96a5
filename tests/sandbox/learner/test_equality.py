"""Objects that lie about being equal win nothing."""

from __future__ import annotations

import operator
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from backpath_sdk.learner import LearnerImports

LIARS = """
class Liar:
    asked = []
    __hash__ = object.__hash__
    def _yes(self, *args):
        Liar.asked.append(args)
        return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _yes
    def __ne__(self, other):
        Liar.asked.append(other)
        return False
    def _nothing(self, other):
        Liar.asked.append(other)
        return 0.0
    __sub__ = __rsub__ = __truediv__ = __rtruediv__ = _nothing
    __xor__ = __rxor__ = _nothing
    def __abs__(self): return 0
    def __float__(self): return 0.0
    @property
    def __class__(self): return int

class Vague(Liar):
    def _itself(self, other): return Vague()
    __sub__ = __rsub__ = _itself

class LyingInt(int):
    def _yes(self, other): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _yes
    __hash__ = int.__hash__
    def __ne__(self, other): return False
    def _nothing(self, other): return 0
    __sub__ = __rsub__ = __add__ = __radd__ = __truediv__ = _nothing
    def __abs__(self): return 0

class LyingText(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = str.__hash__
    def __contains__(self, item): return True
    def __len__(self): return 5
    def __iter__(self): return iter("right")

class LyingList(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __contains__(self, item): return True
    def __len__(self): return 3
    def __iter__(self): return iter([1, 2, 3])
    def __bool__(self): return True

class LyingTuple(tuple):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = tuple.__hash__
    def __contains__(self, item): return True
    def __len__(self): return 3

class LyingDict(dict):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __contains__(self, item): return True
    def __len__(self): return 1

class LyingFloat(float):
    def __eq__(self, other): return True
    def __rsub__(self, other): return 0.0
    __sub__ = __rsub__

class Same:
    def __eq__(self, other): return isinstance(other, Same)
    __hash__ = None

def liar(): return Liar()
def vague(): return Vague()
def lying_int(): return LyingInt(7)
def lying_text(): return LyingText("wrong")
def lying_list(): return LyingList([9])
def lying_tuple(): return LyingTuple((9,))
def lying_dict(): return LyingDict(a=9)
def lying_float(): return LyingFloat(7.0)
def in_list(): return [Liar()]
def as_key(): return {Liar(): 1}
"""


class Case(unittest.TestCase):
    """Assertions to call."""


@pytest.fixture
def liars(make_imports: Callable[..., LearnerImports]) -> ModuleType:
    return make_imports({"liars.py": LIARS}).module("liars")


PLAIN = [5, 5.0, "right", True, None, b"x", [1, 2, 3], (1, 2, 3), {"a": 1}, {1}, 1j, range(3)]


@pytest.mark.parametrize("expected", PLAIN, ids=repr)
@pytest.mark.parametrize(
    "maker",
    [
        *("liar", "vague", "lying_int", "lying_text", "lying_list", "lying_tuple", "lying_dict"),
        *("lying_float", "in_list", "as_key"),
    ],
)
def test_no_lie_equals_a_plain_value(liars: ModuleType, maker: str, expected: Any) -> None:
    got = getattr(liars, maker)()

    assert operator.eq(got, expected) is False
    assert operator.eq(expected, got) is False
    assert got != expected
    assert expected != got
    assert [got] != [expected]
    assert got != pytest.approx(5) or not isinstance(expected, int | float)


def test_the_expected_value_never_reaches_learner_code(liars: ModuleType) -> None:
    got = liars.liar()

    assert got != 5
    assert got != [5]
    assert 5 not in [got]

    assert liars.Liar.asked == []


@pytest.mark.parametrize("maker", ["liar", "vague", "lying_int", "lying_float"])
def test_no_lie_is_close_to_a_number(liars: ModuleType, maker: str) -> None:
    got = getattr(liars, maker)()

    def is_close() -> bool:
        return bool(abs(got - 5) < 1e-6 or abs(5 - got) < 1e-6)

    assert got != pytest.approx(5)
    assert pytest.approx(5) != got
    if maker in ("liar", "vague"):
        with pytest.raises(TypeError):
            is_close()
    else:
        assert not is_close()


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_no_order_between_an_object_and_a_plain_value(
    liars: ModuleType, compare: Callable[[Any, Any], bool]
) -> None:
    with pytest.raises(TypeError):
        compare(liars.liar(), 5)
    with pytest.raises(TypeError):
        compare(5, liars.liar())


@pytest.mark.parametrize("maker", ["liar", "vague"])
@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        ("assertAlmostEqual", 5.0),
        ("assertGreater", 5),
        ("assertGreaterEqual", 5),
        ("assertLess", 5),
        ("assertLessEqual", 5),
        ("assertIn", [5]),
        ("assertCountEqual", [5]),
        ("assertEqual", 5),
    ],
)
def test_assertions_of_unittest_refuse_a_lie(
    liars: ModuleType, guarded: None, maker: str, assertion: str, expected: Any
) -> None:
    got = getattr(liars, maker)()

    with pytest.raises(AssertionError):
        getattr(Case(), assertion)(got, expected)


def test_a_plain_value_in_an_object_is_asked(liars: ModuleType, guarded: None) -> None:
    Case().assertIn(5, liars.liar())  # noqa: PT009 - what the test is about


def test_what_derives_from_a_built_in_type_is_that_value(liars: ModuleType) -> None:
    number, text, items = liars.lying_int(), liars.lying_text(), liars.lying_list()

    assert number == 7
    assert (number + 1, 1 + number, number - 1, 10 - number, abs(number)) == (8, 8, 6, 3, 7)
    assert all(type(value) is int for value in (number + 1, 10 - number, abs(number), +number))
    assert number > 6
    assert not number > 7
    assert text == "wrong"
    assert (len(text), "right" in text, "".join(text)) == (5, False, "wrong")
    assert type("".join(text)) is str
    assert items == [9]
    assert (len(items), 1 in items, list(items), sorted(items)) == (1, False, [9], [9])
    assert liars.lying_tuple() == (9,)
    assert len(liars.lying_tuple()) == 1
    assert liars.lying_dict() == {"a": 9}
    assert (len(liars.lying_dict()), "b" in liars.lying_dict()) == (1, False)
    assert liars.lying_float() == pytest.approx(7)


def test_two_objects_are_compared_by_the_learner(liars: ModuleType) -> None:
    assert liars.Same() == liars.Same()
    assert liars.liar() == liars.Same()
    assert liars.Same() != liars.vague() or liars.vague() == liars.Same()


def test_an_object_of_the_suite_may_have_an_opinion(liars: ModuleType) -> None:
    assert liars.Same() == mock.ANY
    assert liars.Same() == mock.ANY
