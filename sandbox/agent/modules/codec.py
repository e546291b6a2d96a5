"""Values of learner code as trees, and trees of the suite as values."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from agent.modules import describe
from agent.modules.captured import BUILTINS, keep_builtins
from agent.modules.foreign import Foreign, number_of_foreign
from wire.plain import NAMED, NAMES, Decoder, Encoder

if TYPE_CHECKING:
    from agent.modules.conversation import Conversation

keep_builtins(globals())

MAX_CHAIN = 5
ARGS: Any = BaseException.__dict__["args"]
MAX_NOTES = 20
EMPTY: dict[str, type] = {"l": list, "d": dict, "s": set}
# Attributes that built-in exceptions keep outside their __dict__.
EXCEPTION_SLOTS = (
    *("filename", "filename2", "name", "path", "lineno", "offset", "text", "msg", "obj"),
    *("end_lineno", "end_offset", "errno", "strerror", "code"),
)


class AppEncoder(Encoder):
    """Plain values by value, everything else by handle."""

    def __init__(self, talk: Conversation) -> None:
        super().__init__()
        self._talk = talk
        self.handlers |= {list: self._list, dict: self._dict, set: self._set}
        # A pattern of the learner's could keep the suite busy for hours: it stays here.
        del self.handlers[re.Pattern]

    def _list(self, value: list[Any], depth: int) -> Any:
        number = self._talk.shares.number_of(value)
        return self.items_of(value, depth) if number is None else {"sh": number}

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        number = self._talk.shares.number_of(value)
        return {"d": self.pairs_of(value, depth)} if number is None else {"sh": number}

    def _set(self, value: set[Any], depth: int) -> Any:
        number = self._talk.shares.number_of(value)
        return {"s": self.items_of(value, depth)} if number is None else {"sh": number}

    def other(self, value: Any, depth: int) -> Any:
        """Return the tree of what is not plain."""
        kind = type(value)
        self.count(1)
        mro = describe.mro_of(kind)
        if Foreign in mro or id(value) in self._talk.foreign.known:
            return {"own": number_of_foreign(self._talk, value)}
        if type in mro:
            return self.class_tree(value, depth)
        if BaseException in mro:
            return self.exception(value, depth)
        number = self._talk.objects.number_of(value)
        if kind in describe.FUNCTIONS:
            return {"fn": describe.describe_function(number, value)}
        if kind is types.GeneratorType:
            return {"g": [number, value.__name__]}
        if describe.is_async_callable(value):
            return {"co": number}
        if kind is types.AsyncGeneratorType:
            return {"ag": number}
        if types.ModuleType in mro:
            return {"mod": self._talk.modules.describe(number, value)}
        class_tree = self.class_tree(kind, depth)["k"]
        base = describe.base_of(kind)
        if base is None:
            return {"h": [number, class_tree]}
        snapshot = describe.SNAPSHOTS[base](value)
        return {"h": [number, class_tree, self.encode(snapshot, depth + 1)]}

    def class_tree(self, kind: type, depth: int) -> dict[str, Any]:
        """Return a class: by name when built in, described the first time, then by number."""
        name = NAMES.get(kind)
        if name is not None:
            return {"n": name}
        if kind in describe.BUILTIN_EXCEPTIONS:
            return {"n": f"builtins:{kind.__name__}"}
        number = self._talk.objects.number_of(kind)
        if number in self._talk.described:
            return {"k": number}
        self._talk.described.add(number)
        is_own = self._talk.modules.is_learners(kind)
        bases = describe.bases_of(kind, self._talk.modules.is_learners)
        base = describe.base_of(kind)
        methods = describe.methods_of(kind) if is_own else []
        return {
            "k": {
                "id": number,
                "name": describe.text_of(kind, "__name__", "?"),
                "qualname": describe.text_of(kind, "__qualname__", "?"),
                "module": describe.text_of(kind, "__module__", ""),
                "doc": describe.text_of(kind, "__doc__", None),
                "bases": [self.class_tree(item, depth + 1) for item in bases],
                "base": None if base is None else base.__name__,
                "exception": describe.is_exception(kind),
                "enum": describe.is_enum(kind),
                "specials": describe.specials_of(kind),
                "methods": [
                    [name, sort, describe.describe_function(0, function)]
                    for name, sort, function in methods
                ],
                "own": is_own,
            }
        }

    def exception(self, error: BaseException, depth: int = 0, chain: int = 0) -> dict[str, Any]:
        """Return the tree of an exception."""
        own = self._talk.foreign.known.get(id(error))
        if own is not None:
            return {"own": own[1]}
        kind = type(error)
        number = 0
        if kind not in describe.BUILTIN_EXCEPTIONS:
            number = self._talk.objects.number_of(error)
        cause = error.__cause__
        tree: dict[str, Any] = {
            "class": self.class_tree(kind, depth),
            "id": number,
            "args": self._attempt(list(ARGS.__get__(error)), depth),
            "text": _text(error),
            "attributes": self._attributes(error, depth),
            "where": self._talk.modules.place_of(error),
        }
        if cause is not None and chain < MAX_CHAIN:
            tree["cause"] = self.exception(cause, depth, chain + 1)
        notes = getattr(error, "__notes__", None)
        if type(notes) is list:
            tree["notes"] = [note for note in notes[:MAX_NOTES] if type(note) is str]
        return {"e": tree}

    def _attempt(self, values: list[Any], depth: int) -> list[Any]:
        """Return the trees of `values`; what cannot be told becomes its text."""
        trees = []
        for value in values:
            try:
                trees.append(self.encode(value, depth + 1))
            except Exception:
                trees.append(_text(value))
        return trees

    def _attributes(self, error: BaseException, depth: int) -> list[Any]:
        values: dict[str, Any] = {}
        for name in EXCEPTION_SLOTS:
            with contextlib.suppress(Exception):
                value = getattr(error, name)
                if value is None or type(value) in (str, int):
                    values[name] = value
        with contextlib.suppress(Exception):
            values |= {k: v for k, v in vars(error).items() if type(k) is str and k[:2] != "__"}
        trees = self._attempt(list(values.values()), depth)
        return [[name, tree] for name, tree in zip(values, trees, strict=True)]


def _text(value: Any) -> str:
    try:
        return str.__str__(str(value))[:20_000]
    except BaseException as error:
        return f"<str() raised {type(error).__name__}>"


class AppDecoder(Decoder):
    """Trees of the suite: handles are the objects themselves, exports become stand-ins."""

    def __init__(self, talk: Conversation) -> None:
        super().__init__()
        self._talk = talk
        self.tags |= {
            "h": lambda tree, _depth: talk.objects.get(tree),
            "x": lambda tree, _depth: talk.foreign.stand_in(tree),
            "e": self._exception,
            "sh": self._shared,
            "re": lambda tree, depth: re.compile(self.decode(tree[0], depth), tree[1]),
        }

    def named(self, tree: Any, _depth: int) -> Any:
        """Return a function or class of the standard library."""
        if tree in NAMED:
            return NAMED[tree]
        module, _, path = tree.partition(":")
        value: Any = self._talk.originals.get(module) or sys.modules.get(module)
        if value is None:
            value = importlib.import_module(module)
        for name in path.split("."):
            value = getattr(value, name)
        return value

    def _shared(self, tree: Any, depth: int) -> Any:
        if type(tree) is int:
            return self._talk.shares.get(tree)
        number, kind, items = tree
        return self._talk.shares.add(number, EMPTY[kind](), lambda: self.items(items, depth))

    def _exception(self, tree: Any, depth: int) -> Any:
        number, name, base, args = tree
        known = self._talk.foreign.exceptions.get(number)
        if known is not None:
            return known
        values = self.items(args, depth)
        kind = getattr(BUILTIN_MODULE, base)
        if name != base:
            kind = self._talk.foreign.exception_class(name, kind)
        try:
            error = kind(*values)
        except Exception:
            error = kind.__new__(kind)
            error.args = tuple(values)
        self._talk.foreign.remember_exception(number, error)
        return error


BUILTIN_MODULE = types.SimpleNamespace(**BUILTINS)
