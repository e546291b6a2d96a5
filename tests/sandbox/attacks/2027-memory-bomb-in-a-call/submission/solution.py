from correct import *  # noqa: F403


def add(one, other):
    kept = bytearray()
    while True:
        kept += b"x" * (4 << 20)
