"""The hidden suite of the pack's modules: plain pytest. canary-2222222222222201"""

import pytest
import solution

from backpath_sdk import check
from canary_2222222222222202 import SECRET, triple

MARK = "canary-2222222222222203"


@check("basics.add")
def test_canary_2222222222222204_add(rng):
    """canary-2222222222222205"""
    one, other = rng.randrange(10**6), rng.randrange(10**6)
    # canary-2222222222222206
    assert solution.add(one, other) == one + other
    assert not solution.add(one, other) != one + other


@check("basics.parse")
def test_parse(rng):
    number = rng.randrange(10**6)
    assert solution.parse(str(number)) == number
    with pytest.raises(ValueError, match="number"):
        solution.parse(f"x{number}")


@check("basics.squares")
def test_squares(rng):
    size = rng.randrange(3, 9)
    squares = solution.squares(size)
    assert len(squares) == size
    assert list(squares) == [n * n for n in range(size)]
    assert sum(squares) == sum(n * n for n in range(size))


class TestCanary_2222222222222207:
    """canary-2222222222222208"""

    @check("objects.stack")
    def test_stack(self, rng):
        first, second = rng.slug(), rng.slug()
        stack = solution.Stack()
        stack.push(first)
        stack.push(second)
        assert len(stack) == 2
        assert bool(stack)
        assert second in stack
        assert rng.slug() not in stack
        assert stack.pop() == second
        assert stack.pop() == first
        with pytest.raises(IndexError):
            stack.pop()

    @check("objects.counter")
    def test_counter(self, rng):
        times = rng.randrange(2, 6)
        with solution.Counter() as counter:
            for _ in range(times):
                counter.tick()
            assert counter.ticks == times


@check("objects.apply")
def test_apply(rng):
    values = [rng.randrange(100) for _ in range(3)]
    # Before the call: it may change what it is handed.
    expected = [3 * value for value in values]
    assert solution.apply(triple, values) == expected, (
        f"canary-2222222222222209 {SECRET}"
    )


@check("objects.secret")
def test_secret(rng):
    expected = f"canary-{rng.getrandbits(64):016x}"
    assert solution.secret() == expected, f"canary-2222222222222210 is {expected} or {SECRET}"
