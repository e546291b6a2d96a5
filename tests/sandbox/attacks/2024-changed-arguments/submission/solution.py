from correct import *  # noqa: F403


def apply(function, values):
    values.clear()
    return values


def squares(size):
    return []
