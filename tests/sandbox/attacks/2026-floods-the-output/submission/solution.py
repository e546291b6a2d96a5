from correct import *  # noqa: F403


import os
import sys
import threading


def flood():
    while True:
        os.write(1, b"y" * 65536)
        os.write(2, b"z" * 65536)


def add(one, other):
    threading.Thread(target=flood, daemon=True).start()
    while True:
        print("x" * 10_000)
        print("x" * 10_000, file=sys.stderr)
