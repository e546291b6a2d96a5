"""References to objects that live in the learner's process."""

from __future__ import annotations

import types
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session


class Handle:
    """The number of one object of the learner's process `generation`.

    `path` (module, dotted name) is how to find it again in a later process; None for what has no
    name.
    """

    __slots__ = ("__weakref__", "generation", "number", "path", "session")

    def __init__(
        self,
        session: Session,
        generation: int,
        number: int,
        path: tuple[str, str] | None = None,
    ) -> None:
        self.session = session
        self.generation = generation
        self.number = number
        self.path = path

    def __del__(self) -> None:
        # No question may be asked from here: another one may be under way.
        self.session.forget(self.generation, self.number)


# A key that no attribute of a learner's can have, in the real __dict__ of a proxy.
KEY = "\0handle"


class Root:
    """What every proxy of an instance derives from; it has a __dict__ for the handle alone."""


REAL_DICT: Any = Root.__dict__["__dict__"]
KEPT_BY_KIND = (
    types.FunctionType,
    type,
    types.ModuleType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    BaseException,
)
# Handles of what is not an instance: classes, functions, modules, generators, exceptions.
HANDLES: weakref.WeakKeyDictionary[Any, Handle] = weakref.WeakKeyDictionary()


def handle_of(value: Any) -> Handle | None:
    """Return the handle behind a proxy, or None for any other value."""
    kind = type(value)
    if Root in kind.__mro__:
        handle: Handle | None = REAL_DICT.__get__(value).get(KEY)
        return handle
    if not isinstance(value, KEPT_BY_KIND) or kind.__weakrefoffset__ == 0:
        return None
    return HANDLES.get(value)


def is_instance_proxy(value: Any) -> bool:
    """Say whether `value` stands for an instance of a learner's class."""
    return Root in type(value).__mro__
