from correct import *  # noqa: F403


import os


class Explosive(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__

    @property
    def args(self):
        return self.args

    @property
    def __cause__(self):
        raise KeyboardInterrupt

    def __getattribute__(self, name):
        if name in ("__notes__", "__traceback__"):
            raise SystemExit(0)
        return super().__getattribute__(name)


class Endless(ValueError):
    def __str__(self):
        return "number" * 50_000_000


def add(one, other):
    raise Explosive("add")


def parse(text):
    if text.startswith("x"):
        raise Endless
    raise Explosive from Explosive()


def squares(size):
    error = RecursionError()
    error.__cause__ = error
    raise error
