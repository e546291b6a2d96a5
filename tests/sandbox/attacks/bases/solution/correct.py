"""Correct functions, for attacks to stand on."""


def add(one, other):
    return one + other


def parse(text):
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def squares(size):
    return [number * number for number in range(size)]


class Stack:
    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        return self._items.pop()

    def __len__(self):
        return len(self._items)

    def __contains__(self, item):
        return item in self._items


class Counter:
    def __init__(self):
        self.ticks = 0

    def tick(self):
        self.ticks += 1

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None


def apply(function, values):
    return [function(value) for value in values]


def secret():
    return "nobody knows"
