from correct import *  # noqa: F403


import os


class Trap:
    def __get__(self, owner, kind):
        raise SystemExit(0)

    def __set_name__(self, owner, name):
        print("named", name)


class Stack:
    push = pop = Trap()

    def __getattribute__(self, name):
        if name.startswith("__"):
            raise MemoryError(name)
        return object.__getattribute__(self, name)

    def __dir__(self):
        return [str(number) for number in range(100_000)]

    def __del__(self):
        os.write(1, b"deleted")


class Counter:
    __enter__ = Trap()
    __exit__ = Trap()
