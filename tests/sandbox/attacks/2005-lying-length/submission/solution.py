from correct import *  # noqa: F403


class Stack:
    def __init__(self):
        self.calls = 0

    def push(self, item):
        pass

    def pop(self):
        return "nothing"

    def __len__(self):
        self.calls += 1
        return (-1, 1 << 70, 2)[self.calls % 3]

    def __bool__(self):
        return "yes"

    def __contains__(self, item):
        return self
