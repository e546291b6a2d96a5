"""JSON from the learner's service as values that explain what is missing from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, SupportsIndex

from backpath_sdk.expectations import CheckFailed

MAX_DEPTH = 60


def kind_of(value: object) -> str:
    """Return the JSON name of `value`'s type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "a number", float: "a number", str: "a string", dict: "an object", list: "a list"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a value")


class JsonObject(dict[str, Any]):
    """A dict; a key that is not there is the learner's mistake and is said as such."""

    def __init__(self, items: Iterable[tuple[str, Any]] = (), *, path: str = "") -> None:
        super().__init__(items)
        self.path = path

    def __missing__(self, key: str) -> Any:
        where = f"`{self.path}` in the answer" if self.path else "The answer"
        raise CheckFailed(
            f"{where} has no `{key}`.",
            expected=f"a key {key!r}",
            actual=f"keys: {', '.join(sorted(map(str, self))) or 'none'}",
        )


class JsonList(list[Any]):
    """A list; an index beyond its end is the learner's mistake and is said as such."""

    def __init__(self, items: Iterable[Any] = (), *, path: str = "") -> None:
        super().__init__(items)
        self.path = path

    def __getitem__(self, index: SupportsIndex | slice | str) -> Any:
        where = f"`{self.path}` in the answer" if self.path else "The answer"
        if isinstance(index, str):
            raise CheckFailed(
                f"{where} is a list, not an object with `{index}`.",
                expected="an object",
                actual="a list",
            )
        try:
            return super().__getitem__(index)
        except IndexError:
            raise CheckFailed(
                f"{where} has {len(self)} entries; one more was expected.",
                expected=f"an entry number {index}",
                actual=f"{len(self)} entries",
            ) from None


def wrap(value: object, path: str = "", depth: int = 0) -> Any:
    """Return `value` with every dict and list replaced by the explaining kinds."""
    if depth > MAX_DEPTH:
        raise CheckFailed(f"The JSON of the answer is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return JsonObject(
            ((key, wrap(item, f"{prefix}{key}", depth + 1)) for key, item in value.items()),
            path=path,
        )
    if isinstance(value, list):
        return JsonList(
            (wrap(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)), path=path
        )
    return value


def parse(text: str) -> Any:
    """Parse JSON from the learner's side. Raises CheckFailed, whatever is wrong with it."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise CheckFailed("The JSON of the answer is nested too deeply to be read.") from None
    except ValueError as error:
        raise CheckFailed(
            f"The body of the answer is not JSON: {error}.",
            expected="a JSON document",
            actual=text[:2000] or "an empty body",
        ) from None
    return wrap(value)
