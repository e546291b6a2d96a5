from correct import *  # noqa: F403


CYCLE = []
CYCLE.append(CYCLE)
RING = {"ring": CYCLE}
CYCLE.append(RING)
RING["self"] = RING


class Knot:
    def __init__(self):
        self.knot = self

    def __iter__(self):
        return iter([self])


def add(one, other):
    return CYCLE


def parse(text):
    return RING


def squares(size):
    return Knot()


def apply(function, values):
    return function(CYCLE)
