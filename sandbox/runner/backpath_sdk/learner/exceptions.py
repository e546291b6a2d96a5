"""Exceptions of learner code as exceptions of the suite.

Built-in ones are the real classes. What would end or skip the suite is not: `KeyboardInterrupt`
of a learner's is an ordinary exception of that name.
"""

from __future__ import annotations

import builtins
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from backpath_sdk.learner.handles import HANDLES
from wire.plain import BadValue

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

MAX_NOTES = 20
REAL: dict[str, type[BaseException]] = {
    f"builtins:{kind.__name__}": kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
}


def _ordinary(name: str, base: type[BaseException]) -> type[BaseException]:
    return type(name, (base,), {"__module__": "builtins"})


STAND_INS: dict[str, type[BaseException]] = {
    f"builtins:{name}": _ordinary(name, Exception)
    for name in ("BaseException", "KeyboardInterrupt", "GeneratorExit", "SystemExit")
} | {"builtins:BaseExceptionGroup": ExceptionGroup}
# Within a test a suite may expect that learner code exits.
EXIT = _ordinary("SystemExit", SystemExit)
NAMES: dict[type, str] = {kind: name.partition(":")[2] for name, kind in REAL.items()}
TEXT = "\0text"
PLACE = "\0place"


def builtin_class(name: Any, session: Session) -> type[BaseException]:
    """Return the class for a built-in exception of learner code. Raises BadValue."""
    if name == "builtins:SystemExit" and session.may_exit:
        return EXIT
    kind = REAL.get(name) or STAND_INS.get(name)
    if kind is None:
        raise BadValue("an unknown name")
    return kind


def nearest_builtin(kind: type) -> str:
    """Return the name of the built-in exception that `kind` is or derives from."""
    return next((NAMES[base] for base in kind.__mro__ if base in NAMES), "Exception")


def make_exception(kind: type[BaseException], args: list[Any], text: str) -> BaseException:
    """Return an exception of `kind`; no code of the suite or the learner's runs for it."""
    is_real = kind in NAMES or kind is EXIT
    error: BaseException | None = None
    if is_real:
        with suppress(Exception):
            error = kind(*args)
    if error is None:
        try:
            error = kind.__new__(kind, *args)
        except TypeError:
            # Groups and Unicode errors want arguments of certain kinds.
            error = Exception.__new__(_ordinary(kind.__name__, Exception), *args)
    if type(error) is not ExceptionGroup:
        with suppress(TypeError):
            error.args = tuple(args)
    error.__dict__[TEXT] = text
    return error


def set_attribute(error: BaseException, name: str, value: Any) -> None:
    """Give `error` an attribute that it had on the learner's side."""
    if name.startswith("__") or not name.isidentifier():
        return
    if name in BaseException.__dict__:
        return
    if isinstance(getattr(type(error), name, None), property):
        return
    with suppress(AttributeError, TypeError):
        object.__setattr__(error, name, value)


def note_place(error: BaseException, place: str, notes: Any) -> None:
    """Note the line of the submission where `error` was raised, and its notes."""
    error.__dict__[PLACE] = place
    for note in notes[:MAX_NOTES] if type(notes) is list else ():
        if type(note) is str:
            error.add_note(note)


def text_of(error: BaseException) -> str | None:
    """Return the text that an exception of learner code had; None for any other exception."""
    text = error.__dict__.get(TEXT)
    return text if type(text) is str else None


def place_of(error: BaseException) -> str:
    """Return the line of the submission where `error` was raised, or an empty text."""
    place = error.__dict__.get(PLACE, "")
    return place if type(place) is str else ""


class Mirrored:
    """What the local classes of a learner's own exceptions have beside their bases."""

    def __str__(self) -> str:
        text = self.__dict__.get(TEXT)
        return text if type(text) is str else ""

    def __getattr__(self, name: str) -> Any:
        handle = HANDLES.get(self)
        if handle is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return handle.session.ask("get", self, name)
