"""Local classes for the learner's classes, and their instances.

A proxy has no names of ours: a learner's attribute may have any. Its handle lies in the real
`__dict__` under a key that is no identifier, and the visible `__dict__` is the learner's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backpath_sdk.learner import derived, operators, stubs
from backpath_sdk.learner.derived import FACTS, Facts
from backpath_sdk.learner.errors import CannotCross
from backpath_sdk.learner.exceptions import Mirrored
from backpath_sdk.learner.handles import HANDLES, KEY, REAL_DICT, Handle, Root
from wire.plain import BadValue
from wire.specials import ALL

if TYPE_CHECKING:
    from backpath_sdk.learner.session import Session

MAX_METHODS = 1_000
MUTABLE: tuple[type, ...] = (list, dict, set)
BASES: dict[Any, type] = {
    kind.__name__: kind
    for kind in (int, float, complex, str, bytes, tuple, frozenset, list, dict, set)
}
# Names with two underscores at both ends that are data rather than protocol.
READABLE = frozenset(
    f"__{name}__"
    for name in (
        *("version", "author", "annotations", "slots", "match_args", "members", "all"),
        *("dataclass_fields", "wrapped", "abstractmethods"),
    )
)


def is_hidden(name: str) -> bool:
    """Say whether a name is protocol, which is answered here or not at all."""
    return name.startswith("__") and name.endswith("__") and name not in READABLE


class LearnerClass(type):
    """The class of the local classes. Attributes that are not known here are the learner's."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        session = derived.session_for(cls)
        return session.ask("call", cls, args, tuple(kwargs.items()))

    def __getattr__(cls, name: str) -> Any:
        handle = HANDLES.get(cls)
        if handle is None or is_hidden(name):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return handle.session.ask("get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        handle = HANDLES.get(cls)
        if handle is None or is_hidden(name):
            type.__setattr__(cls, name, value)
            return
        stubs.replace_class_entry(cls, name, value)

    def __delattr__(cls, name: str) -> None:
        handle = HANDLES.get(cls)
        if handle is not None and not is_hidden(name):
            handle.session.ask("del", cls, name)
        if name in cls.__dict__:
            type.__delattr__(cls, name)

    def __dir__(cls) -> Any:
        handle = HANDLES.get(cls)
        return type.__dir__(cls) if handle is None else handle.session.ask("dir", cls)


class LearnerEnum(LearnerClass):
    """The class of local classes for enumerations, which are containers of their members."""

    def __iter__(cls) -> Any:
        return operators.ask(cls, "__iter__")

    def __len__(cls) -> int:
        length: int = operators.ask(cls, "__len__")
        return length

    def __getitem__(cls, name: Any) -> Any:
        return operators.ask(cls, "__getitem__", name)

    def __contains__(cls, member: Any) -> bool:
        return operators.ask(cls, "__contains__", member) is True

    def __bool__(cls) -> bool:
        return True


def _session_of(proxy: Any) -> Session:
    handle: Handle = REAL_DICT.__get__(proxy)[KEY]
    return handle.session


class Proxy(Root, metaclass=LearnerClass):
    """An instance of a learner's class."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # what `vars` shows is the learner's
        attributes: dict[str, Any] = _session_of(self).ask("vars", self)
        return attributes

    def __getattr__(self, name: str) -> Any:
        if is_hidden(name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return _session_of(self).ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _session_of(self).ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _session_of(self).ask("del", self, name)

    def __dir__(self) -> Any:
        return _session_of(self).ask("dir", self)

    def __copy__(self) -> Any:
        return _session_of(self).ask("copy", self)

    def __deepcopy__(self, _memo: Any) -> Any:
        return _session_of(self).ask("deepcopy", self)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise CannotCross(
            f"An object of the learner's class {type(self).__name__} cannot be pickled."
        )


def make_class(session: Session, handle: Handle, tree: Any, bases: list[Any]) -> type:
    """Return the local class for what the learner's process describes. Raises BadValue."""
    base = BASES.get(tree["base"])
    facts = Facts(base, bool(tree["exception"]), bool(tree["enum"]))
    methods, specials = tree["methods"], tree["specials"]
    if type(methods) is not list or type(specials) is not list or len(methods) > MAX_METHODS:
        raise BadValue("a class without methods")
    body = {
        "__module__": str(tree["module"]),
        "__qualname__": str(tree["qualname"]),
        "__doc__": tree["doc"] if type(tree["doc"]) is str else None,
    }
    for name, sort, function in methods:
        is_known = name == "__init__" and sort == "m"
        if type(name) is str and name.isidentifier() and (is_known or not is_hidden(name)):
            body[name] = stubs.make_method(session, handle, name, sort, function)
    if facts.is_exception:
        parents = _exception_bases(bases)
    else:
        parents = _instance_bases(bases, base)
        body = _special_methods(base, [str(name) for name in specials]) | body
    kind = _new_class(str(tree["name"]), parents, body, facts)
    HANDLES[kind] = handle
    FACTS[kind] = facts
    return kind


def _new_class(name: str, parents: tuple[type, ...], body: dict[str, Any], facts: Facts) -> type:
    metaclass = LearnerEnum if facts.is_enum else LearnerClass
    if any(isinstance(parent, LearnerEnum) for parent in parents):
        metaclass = LearnerEnum
    try:
        return metaclass(name, parents, body)
    except TypeError:
        # Bases that only the learner's side can join; the instances are what counts.
        if facts.is_exception:
            return metaclass(name, (Mirrored, Exception), body)
        return metaclass(name, (Proxy,) if facts.base is None else (Proxy, facts.base), body)


def _exception_bases(bases: list[Any]) -> tuple[type, ...]:
    kept: list[type] = [
        base for base in bases if isinstance(base, type) and issubclass(base, BaseException)
    ]
    kept = kept or [Exception]
    if not any(issubclass(base, Mirrored) for base in kept):
        kept.insert(0, Mirrored)
    return tuple(kept)


def _instance_bases(bases: list[Any], base: type | None) -> tuple[type, ...]:
    kept = [item for item in bases if isinstance(item, LearnerClass) and issubclass(item, Root)]
    if not kept:
        kept = [Proxy]
    if base is not None and not any(issubclass(item, base) for item in kept):
        return (*kept, base)
    return tuple(kept)


def _special_methods(base: type | None, names: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    names = [name for name in names if name in ALL or name == "-__hash__"]
    if base in MUTABLE and base is not None:
        body |= operators.mutable_methods(base, names, _refresh_from_learner)
    for name in names:
        if name == "-__hash__" or (base is not None and name in body):
            continue
        method = (
            operators.special_method(name) if base is None else operators.valued_method(name, base)
        )
        if method is not None:
            body[name] = method
    if "-__hash__" in names:
        body["__hash__"] = None
    elif base is not None:
        body["__hash__"] = base.__hash__
    elif "__hash__" not in body:
        body["__hash__"] = object.__hash__
    return body


def make_instance(kind: Any, handle: Handle, value: Any, has_value: bool) -> Any:
    """Return a proxy of `kind`; `value` is the snapshot of its built-in base. Raises BadValue."""
    if not isinstance(kind, LearnerClass) or not issubclass(kind, Root):
        raise BadValue("an instance of what is no class")
    base = FACTS[kind].base if kind in FACTS else None
    new: Any = base.__new__ if base is not None else object.__new__
    if (base is not None) != has_value or (base is not None and type(value) is not base):
        raise BadValue("an instance without the value of its base")
    if base is None:
        proxy = new(kind)
    elif base in MUTABLE:
        proxy = new(kind)
        _fill(proxy, base, value)
    else:
        proxy = new(kind, value)
    REAL_DICT.__get__(proxy)[KEY] = handle
    return proxy


def _fill(proxy: Any, base: Any, value: Any) -> None:
    base.clear(proxy)
    if base is list:
        list.extend(proxy, value)
    else:
        base.update(proxy, value)


def refresh(proxy: Any, value: Any) -> None:
    """Give a proxy that derives from a list, dict or set its content of now."""
    for base in MUTABLE:
        if isinstance(proxy, base) and type(value) is base:
            _fill(proxy, base, value)


def _refresh_from_learner(proxy: Any) -> None:
    if isinstance(proxy, MUTABLE):
        refresh(proxy, _session_of(proxy).ask("snapshot", proxy))


def is_enum(kind: Any) -> bool:
    """Say whether the instances of `kind` are members of an enumeration."""
    return isinstance(kind, LearnerEnum)


def is_learners_class(kind: Any) -> bool:
    """Say whether `kind` is a local class for one of the learner's."""
    return isinstance(kind, LearnerClass)


def can_be_weak(proxy: Any) -> bool:
    """Say whether weak references to `proxy` are possible: not to what derives from int or
    tuple."""
    return type(proxy).__weakrefoffset__ != 0
