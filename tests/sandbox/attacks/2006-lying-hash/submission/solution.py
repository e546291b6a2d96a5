from correct import *  # noqa: F403


class Odd:
    def __hash__(self):
        raise SystemExit(0)

    def __eq__(self, other):
        return True


class Slow(int):
    calls = 0

    def __hash__(self):
        Slow.calls += 1
        return Slow.calls


def add(one, other):
    return {Slow(one), Slow(other), Slow(3)}


def squares(size):
    return {Slow(number): number for number in range(size)}


def parse(text):
    return [Odd()]
