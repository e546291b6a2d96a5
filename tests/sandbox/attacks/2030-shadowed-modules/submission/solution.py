from correct import *  # noqa: F403


def secret():
    return "nobody knows"
