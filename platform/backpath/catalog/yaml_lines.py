"""Read YAML together with the line of every value, and validate it against a model.

PyYAML's loader forgets where a value stood. Here its node graph is turned into plain data
by hand, which also allows what YAML 1.1 does silently to be refused: duplicate keys, keys
that are not text, aliases (a short file can expand to gigabytes), and bare words such as
`on`, `yes` and `no` that become booleans.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import ValidationError

from backpath.catalog.schema import Problem

KeyPath = tuple[str | int, ...]

_BOOLEAN_TAG: Final = "tag:yaml.org,2002:bool"
_MAX_DEPTH: Final = 20


@dataclass
class LocatedYaml:
    """Plain data, the line (from 1) of every key path, and bare words read as booleans."""

    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    bare_booleans: dict[KeyPath, str] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


class _Reader:
    def __init__(self, text: str, file: str, first_line: int) -> None:
        self.file = file
        self.offset = first_line
        self.loader = yaml.SafeLoader(text)
        self.result = LocatedYaml()
        self.problems: list[Problem] = []

    def report(self, node: yaml.Node, message: str, remedy: str) -> None:
        line = node.start_mark.line + self.offset
        self.problems.append(Problem(self.file, line, "error", message, remedy))

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.result.lines.setdefault(path, node.start_mark.line + self.offset)
        if len(path) > _MAX_DEPTH:
            self.report(node, "The nesting is too deep.", "Use the keys of the format only.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.report(key_node, "A key is not plain text.", "Write `name: value`.")
                continue
            key = str(key_node.value)
            if key in found:
                self.report(key_node, f"The key `{key}` appears twice.", "Keep one of them.")
                continue
            self.result.lines[(*path, key)] = key_node.start_mark.line + self.offset
            found[key] = self.value(value_node, (*path, key))
        return found

    def scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        if node.tag == _BOOLEAN_TAG and node.value.lower() not in {"true", "false"}:
            self.result.bare_booleans[path] = node.value
        try:
            return self.loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            self.report(
                node,
                f"`{node.value}` cannot be read: {_first_line(error)}.",
                "Put it in quotes if it is meant as text.",
            )
            return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unreadable"])[0].rstrip(".")


def read_yaml(text: str, file: str, *, first_line: int = 1) -> tuple[LocatedYaml, list[Problem]]:
    """Parse `text`; `first_line` is the line of `file` on which `text` begins.

    Never raises: what cannot be read is in the problems, and the data is None.
    """
    reader: _Reader | None = None
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, (yaml.AliasToken, yaml.AnchorToken)):
                line = token.start_mark.line + first_line
                message = "Anchors (`&`) and aliases (`*`) are not part of the format."
                remedy = "Write the value out; put text that begins with & or * in quotes."
                return LocatedYaml(), [Problem(file, line, "error", message, remedy)]
        reader = _Reader(text, file, first_line)
        node = reader.loader.get_single_node()
        if node is not None:
            reader.result.data = reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line if mark else 0) + first_line
        message = f"This is not valid YAML: {error.problem or error.context}."
        remedy = "Check the indentation, and put text that holds `: ` or ` #` in quotes."
        return LocatedYaml(), [Problem(file, line, "error", message, remedy)]
    except (yaml.YAMLError, RecursionError) as error:
        message = f"This is not valid YAML: {_first_line(error)}."
        remedy = "Remove control characters and needless nesting."
        return LocatedYaml(), [Problem(file, first_line, "error", message, remedy)]
    finally:
        if reader is not None:
            reader.loader.dispose()
    return reader.result, reader.problems


_REMEDIES: Final = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its name.",
    "string_type": "Put the value in quotes.",
    "bool_type": "Write `true` or `false`.",
    "int_type": "Write a whole number without quotes.",
    "list_type": "Write a list: `[a, b]`, or one `- item` a line.",
    "dict_type": "Write `key: value` lines.",
    "model_type": "Write `key: value` lines.",
    "date_type": "Write the date as 2026-01-31, without quotes.",
}


def validate[Model](
    located: LocatedYaml, parse: Callable[[Any], Model], file: str
) -> tuple[Model | None, list[Problem]]:
    """The data as `parse` makes it, or None and one problem for each field that is wrong.

    `parse` is the `validate_python` of a pydantic TypeAdapter: raises ValidationError.
    """
    try:
        return parse(located.data), _bare_boolean_problems(located, file)
    except ValidationError as error:
        return None, [_field_problem(located, file, dict(item)) for item in error.errors()]


def _bare_boolean_problems(located: LocatedYaml, file: str) -> list[Problem]:
    """Fields that are booleans, but were written as `yes` or `on`."""
    return [
        Problem(
            file,
            located.line_of(path),
            "error",
            f"`{_dotted(path)}` is written as `{word}`.",
            "Write `true` or `false`.",
        )
        for path, word in located.bare_booleans.items()
    ]


def _field_problem(located: LocatedYaml, file: str, error: dict[str, Any]) -> Problem:
    path = tuple(part for part in error["loc"] if isinstance(part, (str, int)))
    kind = str(error["type"])
    name = _dotted(path)
    line = located.line_of(path)
    word = located.bare_booleans.get(path)
    if word is not None and kind == "string_type":
        return Problem(
            file,
            line,
            "error",
            f"`{name}` is not text: YAML reads the bare word `{word}` as true or false.",
            f'Put it in quotes: "{word}".',
        )
    if kind == "missing":
        message = f"`{name}` is missing."
    elif kind == "extra_forbidden":
        message = f"`{name}` is not a key of this format."
    else:
        said = str(error["msg"]).removeprefix("Value error, ")
        message = f"`{name}`: {said[:1].lower()}{said[1:]}."
    return Problem(file, line, "error", message, _REMEDIES.get(kind, "Correct the value."))


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"
