"""Classes that a suite derives from a learner's. The class is made on both sides: on the learner's
its methods are callbacks, so that learner code calls what the suite has overridden."""

from __future__ import annotations

import types
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backpath_sdk.learner.errors import CannotCross
from backpath_sdk.learner.handles import HANDLES, Handle
from backpath_sdk.learner.stubs import DERIVED

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

# Entries of a class body that Python has made.
MADE = frozenset(
    f"__{name}__"
    for name in (
        *("module", "qualname", "dict", "weakref", "doc", "firstlineno", "static_attributes"),
        *("annotations", "classcell", "hash", "parameters", "orig_bases", "annotate"),
    )
)


@dataclass(frozen=True)
class Facts:
    """What is known of a learner's class."""

    base: type | None
    is_exception: bool
    is_enum: bool


FACTS: weakref.WeakKeyDictionary[type, Facts] = weakref.WeakKeyDictionary()
# The test in which a derived class was made on the learner's side: its callbacks end with it.
MADE_IN: weakref.WeakKeyDictionary[type, tuple[int, int]] = weakref.WeakKeyDictionary()


def session_for(cls: type) -> Session:
    """Return the session of a learner's class, or of a class derived from one, which is made on
    the learner's side first."""
    handle = HANDLES.get(cls)
    if handle is not None and cls not in DERIVED:
        return handle.session
    parent = next((base for base in cls.__mro__ if base in HANDLES and base not in DERIVED), None)
    if parent is None:
        raise CannotCross(f"{cls.__name__} cannot be constructed in the check's process.")
    session = HANDLES[parent].session
    if MADE_IN.get(cls) != (session.generation, session.test_count):
        _make(session, cls, parent)
    return session


def _make(session: Session, cls: type, parent: type) -> None:
    bases = []
    for base in cls.__bases__:
        if base in HANDLES or type(base) is type(cls):
            session_for(base)
            bases.append(base)
    entries = [(name, *_entry(value)) for name, value in cls.__dict__.items() if name not in MADE]
    number = session.make_class(cls.__name__, tuple(bases), tuple(entries))
    DERIVED.add(cls)
    FACTS[cls] = FACTS[parent]
    HANDLES[cls] = Handle(session, session.generation, number)
    MADE_IN[cls] = (session.generation, session.test_count)
    session.decoder.adopt(number, cls)


def _entry(value: Any) -> tuple[str, tuple[Any, ...]]:
    if isinstance(value, types.FunctionType):
        return "m", (value,)
    if isinstance(value, classmethod):
        return "c", (value.__func__,)
    if isinstance(value, staticmethod):
        return "s", (value.__func__,)
    if isinstance(value, property):
        return "p", (value.fget, value.fset, value.fdel)
    return "v", (value,)
