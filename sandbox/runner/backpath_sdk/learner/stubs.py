"""Local functions, generators and modules for the learner's."""

from __future__ import annotations

import types
import weakref
from collections.abc import AsyncIterator, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from backpath_sdk.learner import operators
from backpath_sdk.learner.handles import HANDLES, Handle
from wire.signatures import signature_of

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

MAX_DOC = 20_000


class Remote:
    """Passes a handle as an argument."""

    __slots__ = ("handle",)

    def __init__(self, handle: Handle) -> None:
        self.handle = handle


def make_function(session: Session, handle: Handle, tree: list[Any]) -> Any:
    """Return a local function for the learner's; `tree` is what describe_function made."""
    target = Remote(handle)
    if tree[5] == "a":

        async def stub(*args: Any, **kwargs: Any) -> Any:
            return await session.ask("call", target, args, tuple(kwargs.items()))

    else:

        def stub(*args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]  # one of the two
            return session.ask("call", target, args, tuple(kwargs.items()))

    _dress(stub, tree)
    return stub


def make_method(session: Session, owner: Handle, name: str, sort: Any, tree: list[Any]) -> Any:
    """Return the entry of a class body for the learner's method `name`."""
    target = Remote(owner)
    if name == "__init__":
        return _make_initialiser(session, target)
    if sort == "m":
        if tree[5] == "a":

            async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
                return await _call_method(session, target, self, name, args, kwargs)

        else:

            def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]  # one of the two
                return _call_method(session, target, self, name, args, kwargs)

        _dress(method, tree)
        METHODS[method] = (target, name)
        return method

    def of_class(*args: Any, **kwargs: Any) -> Any:
        # Of the class itself, since staticmethod gives none.
        return session.ask("method", target, name, args, tuple(kwargs.items()))

    def of_derived(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return session.ask("method", cls, name, args, tuple(kwargs.items()))

    function = of_class if sort == "s" else of_derived
    _dress(function, tree)
    METHODS[function] = (target, name)
    return staticmethod(function) if sort == "s" else classmethod(function)


def _call_method(
    session: Session, owner: Remote, self: Any, name: str, args: Any, kwargs: dict[str, Any]
) -> Any:
    named = tuple(kwargs.items())
    if type(self) in DERIVED:
        # The learner's own, even where the suite's class overrides it: this is `super().name()`,
        # or the name is not overridden at all.
        return session.ask("super", owner, self, name, args, named)
    return session.ask("method", self, name, args, named)


def _make_initialiser(session: Session, owner: Remote) -> Any:
    """Return an __init__ for classes that the suite derives; proxies are made without one."""

    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        session.ask("super", owner, self, "__init__", args, tuple(kwargs.items()))

    initialise.__name__ = "__init__"
    return initialise


# Classes that the suite has derived from the learner's.
DERIVED: weakref.WeakSet[type] = weakref.WeakSet()
# Method stubs, with the class and the name that they stand for; and, while a test has replaced
# one, what the learner's class had there.
METHODS: dict[Any, tuple[Remote, str]] = {}
REPLACED: dict[Any, Any] = {}


def stub_of(cls: type, value: Any) -> Any:
    """Return the function of a stub that was made for the class, or None."""
    inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    found = METHODS.get(inner) if isinstance(inner, types.FunctionType) else None
    return inner if found is not None and found[0].handle is HANDLES.get(cls) else None


def replace_class_entry(cls: type, name: str, value: Any) -> None:
    """Set an attribute of a learner's class, there and here; a stub that was replaced can be put
    back, as patches do."""
    session = HANDLES[cls].session
    returning = stub_of(cls, value)
    leaving = stub_of(cls, cls.__dict__.get(name))
    if leaving is not None and returning is None:
        REPLACED[leaving] = session.ask("entry", cls, name)
    if returning is None:
        session.ask("set", cls, name, value)
    elif returning in REPLACED:
        session.ask("set", cls, name, REPLACED.pop(returning))
    if name in cls.__dict__:
        type.__delattr__(cls, name)
    if returning is not None:
        type.__setattr__(cls, name, value)


def _dress(function: Any, tree: list[Any]) -> None:
    _number, name, qualname, module, doc, _flags, parameters = tree
    if type(name) is str:
        function.__name__ = name
    if type(qualname) is str:
        function.__qualname__ = qualname
    if type(module) is str:
        function.__module__ = module
    if type(doc) is str:
        function.__doc__ = doc[:MAX_DOC]
    if parameters is not None:
        with suppress(ValueError, TypeError, LookupError):
            function.__signature__ = signature_of(parameters)


def pull(session: Session, handle: Handle) -> Generator[Any, Any, Any]:
    """A real generator that asks for one item a time."""
    target = Remote(handle)
    goes_on, value = operators.step(session.ask("next", target))
    while goes_on:
        try:
            sent = yield value
        except GeneratorExit:
            # No question here: the collector of garbage may be at work in the middle of another.
            # The learner's generator is closed once its handle is released.
            raise
        except BaseException as error:
            reply = session.ask("throw", target, error)
        else:
            if sent is None:
                reply = session.ask("next", target)
            else:
                reply = session.ask("send", target, sent)
        goes_on, value = operators.step(reply)
    return value


async def pull_async(session: Session, handle: Handle) -> AsyncIterator[Any]:
    """A real asynchronous generator that asks for one item a time."""
    target = Remote(handle)
    goes_on, value = operators.step(session.ask("anext", target))
    while goes_on:
        yield value
        goes_on, value = operators.step(session.ask("anext", target))


class Awaitable:
    """A coroutine of the learner's; it runs when it is awaited."""

    def __init__(self, session: Session, handle: Handle) -> None:
        self._session = session
        self._target = Remote(handle)

    def __await__(self) -> Generator[Any, Any, Any]:
        result = self._session.ask("await", self._target)
        # A generator, as `await` wants one, that never waits.
        yield from ()
        return result
