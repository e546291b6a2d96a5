from correct import *  # noqa: F403


import itertools
import time


class Endless:
    def __getitem__(self, index):
        return index

    def __len__(self):
        return 1 << 62


def squares(size):
    return Endless()


def parse(text):
    time.sleep(0)
    return itertools.count()


def apply(function, values):
    return (function(value) for value in itertools.cycle(values))
