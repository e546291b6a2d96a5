from correct import *  # noqa: F403


def deep(make):
    value = 0
    for _ in range(100_000):
        value = make(value)
    return value


def add(one, other):
    return deep(lambda value: [value])


def parse(text):
    return deep(lambda value: {"a": value})


def squares(size):
    return deep(lambda value: (value,))


def apply(function, values):
    return function(deep(lambda value: [value]))
