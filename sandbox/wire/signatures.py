"""The parameters of a function as a plain tree, and back as an inspect.Signature."""

from __future__ import annotations

import inspect
import types
from typing import Any

from wire.plain import SCALARS

MAX_NAMES = 200
UNKNOWN = {"E": "..."}


def describe_parameters(function: types.FunctionType) -> list[Any]:
    """Return [positional-only count, names, defaults, *args name, keyword-only names, their
    defaults, **kwargs name]. A default that is not a scalar is told as an ellipsis."""
    code = function.__code__
    names = code.co_varnames
    positional, keyword = code.co_argcount, code.co_kwonlyargcount
    rest = positional + keyword
    has_args, has_kwargs = (
        code.co_flags & inspect.CO_VARARGS,
        code.co_flags & inspect.CO_VARKEYWORDS,
    )
    keyword_defaults = function.__kwdefaults__ or {}
    return [
        code.co_posonlyargcount,
        list(names[:positional]),
        [_default(value) for value in function.__defaults__ or ()],
        names[rest] if has_args else None,
        list(names[positional:rest]),
        [[name, _default(value)] for name, value in keyword_defaults.items()],
        names[rest + bool(has_args)] if has_kwargs else None,
    ]


def _default(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS or (kind is int and -(1 << 63) < value < 1 << 63):
        return value
    return UNKNOWN


def signature_of(tree: Any) -> inspect.Signature:
    """Return the signature that `tree` describes. Raises ValueError or TypeError."""
    only, names, defaults, args, keyword, keyword_defaults, kwargs = tree
    if len(names) + len(keyword) > MAX_NAMES or len(defaults) > len(names):
        raise ValueError("too many parameters")
    kinds = inspect.Parameter
    parameters = []
    first_default = len(names) - len(defaults)
    for position, name in enumerate(names):
        default = defaults[position - first_default] if position >= first_default else kinds.empty
        kind = kinds.POSITIONAL_ONLY if position < only else kinds.POSITIONAL_OR_KEYWORD
        parameters.append(kinds(name, kind, default=_shown(default)))
    if args is not None:
        parameters.append(kinds(args, kinds.VAR_POSITIONAL))
    given = dict(keyword_defaults)
    parameters += [
        kinds(name, kinds.KEYWORD_ONLY, default=_shown(given.get(name, kinds.empty)))
        for name in keyword
    ]
    if kwargs is not None:
        parameters.append(kinds(kwargs, kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _shown(default: Any) -> Any:
    return Ellipsis if default == UNKNOWN else default
