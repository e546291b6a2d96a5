"""The special methods that a proxy may have, on either side."""

from __future__ import annotations

ARITHMETIC = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
BINARY = frozenset([f"__{name}__" for name in ARITHMETIC] + [f"__r{name}__" for name in ARITHMETIC])
INPLACE = frozenset(f"__i{name}__" for name in ARITHMETIC if name != "divmod")
ORDER = frozenset({"__lt__", "__le__", "__gt__", "__ge__"})
EQUALITY = frozenset({"__eq__", "__ne__"})
NUMERIC = frozenset(
    f"__{name}__"
    for name in (
        *("abs", "neg", "pos", "invert", "int", "float", "complex", "index"),
        *("round", "floor", "ceil", "trunc"),
    )
)
CONTAINER = frozenset(
    f"__{name}__"
    for name in (
        *("len", "iter", "next", "reversed", "contains", "bool", "length_hint"),
        *("getitem", "setitem", "delitem", "missing"),
    )
)
TEXT = frozenset({"__str__", "__repr__", "__format__", "__bytes__", "__fspath__"})
MANAGER = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})
ASYNC = frozenset({"__aiter__", "__anext__", "__await__"})
OTHER = frozenset({"__call__", "__hash__", "__dir__"})

ALL = BINARY | INPLACE | ORDER | EQUALITY | NUMERIC | CONTAINER | TEXT | MANAGER | ASYNC | OTHER
