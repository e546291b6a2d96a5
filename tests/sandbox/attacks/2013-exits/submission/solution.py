from correct import *  # noqa: F403


import os
import signal


def add(one, other):
    raise SystemExit(0)


def parse(text):
    os._exit(0)


def squares(size):
    raise KeyboardInterrupt


def apply(function, values):
    os.kill(os.getpid(), signal.SIGKILL)


def secret():
    raise GeneratorExit
