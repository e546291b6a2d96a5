"""Hostile text made readable, and the difference between two texts line by line.

Whatever a learner's program answered arrives here as any string at all. Nothing in this
module makes HTML: templates escape what it returns.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

MAX_CHARACTERS: Final = 12_000
MAX_LINES: Final = 240
MAX_LINE_CHARACTERS: Final = 400
MAX_JSON_CHARACTERS: Final = 64_000
MAX_JSON_DEPTH: Final = 40
SHORT_JSON_CHARACTERS: Final = 60
EQUAL_LINES_AROUND: Final = 3

_COLOUR_SEQUENCE = re.compile(r"\x1b\[[0-9;:]*m")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_KEPT_CONTROLS = frozenset("\n\t")

LineKind = Literal["same", "want", "got", "gap"]


@dataclass(frozen=True)
class Span:
    """A piece of a line; `marked` pieces are those that differ."""

    text: str
    marked: bool


@dataclass(frozen=True)
class DiffLine:
    """One line of a difference. A `gap` stands for equal lines that are left out."""

    kind: LineKind
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True)
class Shown:
    """Text as it is shown, and what was left out of it: nothing is cut silently."""

    text: str
    total_characters: int
    is_cut: bool


def plain_text(text: str) -> str:
    """Return `text` with everything invisible made visible.

    Control characters become their pictures (`␀`, `␛`), direction marks, zero-width
    characters, unusual spaces, surrogates and unassigned code points become `⟨U+202E⟩`.
    Colour sequences of terminals are dropped: they are decoration in nearly every log.
    Newlines and tabs stay.
    """
    text = _COLOUR_SEQUENCE.sub("", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _KEPT_CONTROLS or character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨U+{code:04X}⟩"


def shorten(text: str, *, characters: int = MAX_CHARACTERS, lines: int = MAX_LINES) -> Shown:
    """Return the beginning of `text`, readable, at most so many characters and lines."""
    head = text[:characters]
    kept = "\n".join(head.split("\n")[:lines])
    return Shown(plain_text(kept), len(text), is_cut=len(kept) < len(text))


def tail(text: str, *, characters: int = MAX_CHARACTERS, lines: int = 50) -> Shown:
    """Return the end of `text`, readable: of a log the last lines say why."""
    kept = "\n".join(text[-characters:].rstrip("\n").split("\n")[-lines:])
    return Shown(plain_text(kept), len(text), is_cut=len(kept) < len(text.rstrip("\n")))


def pretty_json(text: str) -> str:
    """Return JSON objects and arrays indented; anything else unchanged."""
    value = _container(text)
    return text if value is None else _dump(value)


def is_same_json(one: str, other: str) -> bool:
    """Whether both texts are the same JSON object or array, however they are written."""
    values = _container(one), _container(other)
    if None in values:
        return False
    # As text: in Python, though not in JSON, true equals 1.
    left, right = (json.dumps(value, sort_keys=True) for value in values)
    return left == right


def diff_lines(expected: str | None, actual: str | None) -> tuple[DiffLine, ...]:
    """Return the lines of both texts in one sequence, differing pieces marked.

    Two JSON objects or arrays are compared indented and with their keys in the expected
    order, so that only differences of content remain. With one text missing, the lines of
    the other are returned unmarked.
    """
    if expected is None and actual is None:
        return ()
    if expected is None or actual is None:
        kind: LineKind = "got" if expected is None else "want"
        return tuple(_whole(kind, line) for line in _lines(pretty_json(expected or actual or "")))
    want_value, got_value = _container(expected), _container(actual)
    is_json = want_value is not None and got_value is not None
    if is_json:
        expected, actual = _dump(want_value), _dump(_ordered_like(want_value, got_value))
    else:
        expected, actual = pretty_json(expected), pretty_json(actual)
    return tuple(_merged(_lines(expected), _lines(actual), ignored_end="," if is_json else ""))


def _merged(want: list[str], got: list[str], *, ignored_end: str) -> Iterator[DiffLine]:
    """Merge both sides. A line that differs by `ignored_end` alone does not differ: the comma
    that JSON has after every field but the last."""
    matcher = SequenceMatcher(
        None,
        [line.removesuffix(ignored_end) for line in want],
        [line.removesuffix(ignored_end) for line in got],
        autojunk=False,
    )
    opcodes = matcher.get_opcodes()
    for place, (tag, i, j, k, m) in enumerate(opcodes):
        if tag == "equal":
            yield from _equal(want[i:j], first=place == 0, last=place == len(opcodes) - 1)
            continue
        pairs = min(j - i, m - k)
        for offset in range(pairs):
            yield from _pair(want[i + offset], got[k + offset])
        for line in want[i + pairs : j]:
            yield _whole("want", line, marked=True)
        for line in got[k + pairs : m]:
            yield _whole("got", line, marked=True)


def _equal(lines: list[str], *, first: bool, last: bool) -> Iterator[DiffLine]:
    head = 0 if first else EQUAL_LINES_AROUND
    foot = 0 if last else EQUAL_LINES_AROUND
    left_out = len(lines) - head - foot
    if left_out < EQUAL_LINES_AROUND:
        yield from (_whole("same", line) for line in lines)
        return
    yield from (_whole("same", line) for line in lines[:head])
    yield DiffLine("gap", (Span(f"{left_out} equal lines", marked=False),))
    yield from (_whole("same", line) for line in lines[len(lines) - foot :])


def _pair(want: str, got: str) -> tuple[DiffLine, DiffLine]:
    """Mark what lies between the tokens both lines begin with and those both end with."""
    left, right = _TOKEN.findall(want), _TOKEN.findall(got)
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return DiffLine("want", _marked(left, start, end)), DiffLine("got", _marked(right, start, end))


def _marked(tokens: list[str], start: int, end: int) -> tuple[Span, ...]:
    stop = len(tokens) - end
    pieces = (
        ("".join(tokens[:start]), False),
        ("".join(tokens[start:stop]), True),
        ("".join(tokens[stop:]), False),
    )
    return tuple(Span(text, marked) for text, marked in pieces if text)


def _whole(kind: LineKind, line: str, *, marked: bool = False) -> DiffLine:
    text = line.lstrip(" ") if marked else line
    spans = (Span(line[: len(line) - len(text)], marked=False), Span(text, marked))
    return DiffLine(kind, tuple(span for span in spans if span.text) or (Span("", marked),))


def _lines(text: str) -> list[str]:
    lines = plain_text(text[:MAX_JSON_CHARACTERS]).split("\n")
    shown = [
        line
        if len(line) <= MAX_LINE_CHARACTERS
        else f"{line[:MAX_LINE_CHARACTERS]} … {len(line) - MAX_LINE_CHARACTERS} more characters"
        for line in lines[:MAX_LINES]
    ]
    if len(lines) > MAX_LINES:
        shown.append(f"… {len(lines) - MAX_LINES} more lines")
    if len(text) > MAX_JSON_CHARACTERS:
        shown.append(f"… {len(text) - MAX_JSON_CHARACTERS} more characters")
    return shown


def _container(text: str) -> dict[str, object] | list[object] | None:
    if len(text) > MAX_JSON_CHARACTERS or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) and _is_shallow(value) else None


def _is_shallow(value: object) -> bool:
    """Whether indenting `value` gives text of a size like its own: each level costs two
    characters on every line, so deep nesting turns kilobytes into gigabytes."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict | list):
                below += item.values() if isinstance(item, dict) else item
        if not below:
            return True
        level = below
    return False


def _dump(value: object, indent: str = "") -> str:
    """Return JSON indented, with lists and objects of plain values on one line if it is short."""
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    inside = value.values() if isinstance(value, dict) else value
    if indent and not any(isinstance(item, dict | list) and item for item in inside):
        short = json.dumps(value, ensure_ascii=False)
        if len(short) <= SHORT_JSON_CHARACTERS:
            return short
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_dump(item, deeper)}"
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{deeper}{_dump(item, deeper)}" for item in value) + f"\n{indent}]"


def _ordered_like(model: object, value: object) -> object:
    """Return `value` with the keys of its objects in the order `model` has them."""
    if isinstance(model, dict) and isinstance(value, dict):
        keys = [key for key in model if key in value] + [key for key in value if key not in model]
        return {key: _ordered_like(model.get(key), value[key]) for key in keys}
    if isinstance(model, list) and isinstance(value, list):
        models = model + [None] * max(0, len(value) - len(model))
        return [_ordered_like(m, v) for m, v in zip(models, value, strict=False)]
    return value
