from correct import *  # noqa: F403


def add(one, other):
    return 1 << 100_000_000


def parse(text):
    return "x" * (60 << 20)


def squares(size):
    return [0] * 8_000_000


def apply(function, values):
    return function(b"x" * (60 << 20))
