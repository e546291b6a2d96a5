from correct import *  # noqa: F403


def lying(base):
    return type(
        "Lying" + base.__name__,
        (base,),
        {
            "__eq__": lambda self, other: True,
            "__ne__": lambda self, other: False,
            "__hash__": lambda self: 0,
            "__len__": lambda self: 3,
            "__rsub__": lambda self, other: 0,
            "__sub__": lambda self, other: 0,
            "__radd__": lambda self, other: other,
            "__abs__": lambda self: 0,
        },
    )


Int, Str, List = lying(int), lying(str), lying(list)


def add(one, other):
    return Int(7)


def parse(text):
    return Int(8)


def squares(size):
    return List([9])


def apply(function, values):
    return List([])


def secret():
    return Str("lie")
