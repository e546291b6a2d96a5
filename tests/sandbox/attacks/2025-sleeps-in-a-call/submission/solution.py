from correct import *  # noqa: F403


import re
import signal
import time


def add(one, other):
    time.sleep(3600)


def parse(text):
    re.match("(a+)+$", "a" * 60 + "b")


def squares(size):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
