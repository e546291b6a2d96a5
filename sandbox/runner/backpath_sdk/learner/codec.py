"""Values of the suite as trees, and trees of the learner's process as values.

The encoder decides what leaves; the decoder builds plain data of exact built-in types and proxies
and nothing else, whatever arrives.
"""

from __future__ import annotations

import enum
import weakref
from typing import TYPE_CHECKING, Any

from backpath_sdk.learner import exceptions, proxies, stubs
from backpath_sdk.learner.errors import CannotCross
from backpath_sdk.learner.handles import HANDLES, Handle, handle_of
from backpath_sdk.learner.module_proxies import ModuleProxy, describe_module
from backpath_sdk.learner.shares import CODES
from wire.plain import NAMED, BadValue, Decoder, Encoder, TooLarge

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

MAX_CLASSES = 2_000
# Subclasses of these that the suite defines go as their plain value.
PLAIN_BASES: tuple[type, ...] = (str, int, float, bytes)
EXACT: dict[type, Any] = {
    str: str.__str__,
    int: int.__pos__,
    float: float.__pos__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
}


class RunnerEncoder(Encoder):
    """Plain values by value, lists, dicts and sets shared, everything else by export."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.handlers |= {list: self._container, dict: self._container, set: self._container}

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return `value` as a tree. Raises CannotCross."""
        try:
            return super().encode(value, depth)
        except TooLarge as error:
            raise CannotCross(f"The check passes on a value that cannot cross: {error}.") from None

    def _container(self, value: Any, depth: int) -> Any:
        shares = self._session.shares
        number = shares.number_of(value)
        if number is not None:
            return {"sh": number}
        number = shares.add(value)
        items = self.pairs_of(value, depth) if type(value) is dict else self.items_of(value, depth)
        return {"sh": [number, CODES[type(value)], items]}

    def other(self, value: Any, depth: int) -> Any:
        """Return the tree of what is not plain. Raises CannotCross."""
        handle = value.handle if type(value) is stubs.Remote else handle_of(value)
        if handle is not None:
            return {"h": self._session.number_of(handle)}
        if isinstance(value, BaseException):
            return self.exception(value)
        if isinstance(value, PLAIN_BASES) and not isinstance(value, enum.Enum):
            base: Any = next(base for base in PLAIN_BASES if isinstance(value, base))
            return self.encode(EXACT[base](value), depth)
        return self._session.exports.describe(value)

    def exception(self, error: BaseException) -> dict[str, Any]:
        """Return the tree of an exception: the learner's own, or a stand-in of the suite's."""
        handle = handle_of(error)
        if handle is not None:
            return {"h": self._session.number_of(handle)}
        number = self._session.exports.number_of(error)
        args = []
        for value in error.args:
            try:
                args.append(self.encode(value, 1))
            except CannotCross:
                args.append(repr(value)[:1000])
        name = type(error).__name__
        return {"e": [number, name, exceptions.nearest_builtin(type(error)), args]}


class RunnerDecoder(Decoder):
    """Builds plain data and proxies. Raises BadValue."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._classes: dict[int, Any] = {}
        # Classes by their names, so that they stay the same when the process is replaced.
        self._named_classes: dict[tuple[str, str], Any] = {}
        self._live: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._kept: dict[int, Any] = {}
        self.tags |= {
            "h": self._instance,
            "k": self._class,
            "fn": self._function,
            "g": self._generator,
            "co": self._coroutine,
            "ag": self._async_generator,
            "mod": self._module,
            "e": self._exception,
            "own": lambda tree, _depth: session.exports.value_of(tree),
            "sh": lambda tree, _depth: session.shares.original(tree),
        }

    def begin_generation(self) -> None:
        """Forget numbers: they are those of a process that has ended."""
        self._classes.clear()
        self._live.clear()
        self._kept.clear()

    def named(self, tree: Any, _depth: int) -> Any:
        """Return a type or a built-in exception by name."""
        found = NAMED.get(tree) if type(tree) is str else None
        return exceptions.builtin_class(tree, self._session) if found is None else found

    def adopt(self, number: int, kind: type) -> None:
        """Let instances of the class `number` be of the local class `kind`."""
        self._classes[number] = kind

    def meet_class(self, tag: str, content: Any) -> None:
        """Take note of the class that is described in the tree of a class or an instance."""
        if tag == "h" and type(content) is list and len(content) > 1:
            content = content[1]
        if tag in ("h", "k") and type(content) is dict:
            self._session.decode({"k": content})

    def _handle(self, number: Any, path: tuple[str, str] | None = None) -> Handle:
        if type(number) is not int:
            raise BadValue("no handle")
        self._session.keep(number)
        return Handle(self._session, self._session.generation, number, path)

    def _class(self, tree: Any, depth: int) -> Any:
        if type(tree) is int:
            return self._classes[tree]
        number = tree["id"]
        if len(self._classes) > MAX_CLASSES or type(number) is not int:
            raise BadValue("too many classes")
        path = (_text(tree["module"]), _text(tree["qualname"]))
        is_findable = bool(tree["own"]) and "<" not in path[1]
        kind = self._named_classes.get(path) if is_findable else None
        if kind is not None and HANDLES[kind].generation != self._session.generation:
            handle = HANDLES[kind]
            handle.generation, handle.number = self._session.generation, number
        else:
            bases = [self.decode(base, depth) for base in self.items_like(tree["bases"])]
            handle = self._handle(number, path if is_findable else None)
            kind = proxies.make_class(self._session, handle, tree, bases)
            if is_findable:
                self._named_classes[path] = kind
        self._classes[number] = kind
        return kind

    def items_like(self, tree: Any) -> list[Any]:
        """Return `tree`, which must be a list."""
        if type(tree) is not list:
            raise BadValue("not a list")
        return tree

    def _instance(self, tree: Any, depth: int) -> Any:
        number, class_tree, *snapshot = tree
        if type(number) is not int:
            raise BadValue("no handle")
        kind = self._class(class_tree, depth)
        known = self._live.get(number)
        known = self._kept.get(number) if known is None else known
        value = self.decode(snapshot[0], depth) if snapshot else None
        if known is not None:
            proxies.refresh(known, value)
            return known
        proxy = proxies.make_instance(kind, self._handle(number), value, bool(snapshot))
        if proxies.is_enum(kind):
            self._kept[number] = proxy
        elif proxies.can_be_weak(proxy):
            self._live[number] = proxy
        return proxy

    def _known(self, number: Any) -> Any:
        return self._live.get(number) if type(number) is int else None

    def _remember(self, number: int, value: Any, handle: Handle) -> Any:
        HANDLES[value] = handle
        self._live[number] = value
        return value

    def _function(self, tree: Any, _depth: int) -> Any:
        number, name, qualname, module, *_rest = tree
        known = self._known(number)
        if known is not None:
            return known
        is_findable = type(qualname) is str and qualname == name and type(module) is str
        handle = self._handle(number, (module, qualname) if is_findable else None)
        return self._remember(number, stubs.make_function(self._session, handle, tree), handle)

    def _generator(self, tree: Any, _depth: int) -> Any:
        number, name = tree
        known = self._known(number)
        if known is not None:
            return known
        handle = self._handle(number)
        generator: Any = stubs.pull(self._session, handle)
        generator.__name__ = _text(name)
        return self._remember(number, generator, handle)

    def _coroutine(self, tree: Any, _depth: int) -> Any:
        known = self._known(tree)
        if known is not None:
            return known
        return stubs.Awaitable(self._session, self._handle(tree))

    def _async_generator(self, tree: Any, _depth: int) -> Any:
        known = self._known(tree)
        if known is not None:
            return known
        handle = self._handle(tree)
        return self._remember(tree, stubs.pull_async(self._session, handle), handle)

    def _module(self, tree: Any, _depth: int) -> Any:
        number, name, doc, names, is_package, is_own = tree
        known = self._known(number)
        if known is not None:
            return known
        handle = self._handle(number, (_text(name), "") if is_own else None)
        module = self._session.modules.get(name) if is_own else None
        if module is None:
            module = ModuleProxy(_text(name))
            if is_own:
                self._session.modules[name] = module
        describe_module(module, doc, names, is_package=bool(is_package))
        return self._remember(number, module, handle)

    def _exception(self, tree: Any, depth: int) -> Any:
        kind = self.decode(tree["class"], depth)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise BadValue("an exception of a class that is none")
        number = tree["id"]
        known = self._known(number) if number else None
        if known is not None:
            return known
        args = self.items(tree["args"], depth)
        error = exceptions.make_exception(kind, args, _text(tree["text"]))
        for name, value in self.items_like(tree["attributes"]):
            exceptions.set_attribute(error, _text(name), self.decode(value, depth))
        exceptions.note_place(error, _text(tree["where"]), tree.get("notes"))
        if "cause" in tree:
            cause = self.decode(tree["cause"], depth)
            error.__cause__ = cause if isinstance(cause, BaseException) else None
        if number and proxies.is_learners_class(kind):
            self._remember(number, error, self._handle(number))
        return error


def _text(value: Any) -> str:
    if type(value) is not str:
        raise BadValue("no text")
    return value
