"""Hostile text becomes readable text, and differences are marked where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.grading.difference import (
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    diff_lines,
    is_same_json,
    plain_text,
    pretty_json,
    shorten,
    tail,
)


def shown(expected: str | None, actual: str | None) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in diff_lines(expected, actual)]


def marked(expected: str, actual: str) -> list[str]:
    return [
        span.text for line in diff_lines(expected, actual) for span in line.spans if span.marked
    ]


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\x00b", "a␀b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("half \ud83d pair", "half ⟨U+D83D⟩ pair"),
        ("line\u2028end", "line⟨U+2028⟩end"),
        ("\x7f\x85", "␡⟨U+0085⟩"),
        ("naïve — 東京 🍲", "naïve — 東京 🍲"),
    ],
)
def test_plain_text_shows_what_is_invisible(text: str, readable: str) -> None:
    assert plain_text(text) == readable


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_plain_text_can_always_be_sent_and_hides_nothing(text: str) -> None:
    readable = plain_text(text)
    readable.encode("utf-8")
    assert all(character in "\n\t" or character.isprintable() for character in readable)


def test_shorten_says_what_it_left_out() -> None:
    cut = shorten("x" * 1_000_000, characters=100)
    assert (len(cut.text), cut.total_characters, cut.is_cut) == (100, 1_000_000, True)
    by_lines = shorten("a\nb\nc\nd", lines=2)
    assert (by_lines.text, by_lines.is_cut) == ("a\nb", True)
    whole = shorten("short")
    assert (whole.text, whole.is_cut) == ("short", False)


def test_tail_keeps_the_last_lines() -> None:
    log = "\n".join(f"line {number}" for number in range(200))
    end = tail(log, lines=3)
    assert end.text == "line 197\nline 198\nline 199"
    assert end.is_cut
    assert not tail("one\ntwo\n", lines=3).is_cut


def test_json_is_indented_and_other_text_left_alone() -> None:
    assert pretty_json('{"a":[1,2]}') == '{\n  "a": [1, 2]\n}'
    long = '["' + "x" * 60 + '", 1]'
    assert pretty_json(f'{{"a": {long}}}').count("\n") == 5
    assert pretty_json('{"a": [{"b": {}}]}') == '{\n  "a": [\n    {"b": {}}\n  ]\n}'
    assert pretty_json("<html>") == "<html>"
    assert pretty_json('{"a":') == '{"a":'


@pytest.mark.parametrize("depth", [100, 5_000, 30_000])
def test_deep_nesting_is_left_as_it_is(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    assert pretty_json(nested) == nested
    assert diff_lines(nested, nested + " ")


def test_differing_fields_of_json_are_paired_and_marked() -> None:
    expected = '{"id": 7, "body": "Roast the bones first.", "tags": ["stock"]}'
    actual = '{"tags": ["stock"], "body": null, "id": 7}'
    assert shown(expected, actual) == [
        ("same", "{"),
        ("same", '  "id": 7,'),
        ("want", '  "body": "Roast the bones first.",'),
        ("got", '  "body": null,'),
        ("same", '  "tags": ["stock"]'),
        ("same", "}"),
    ]
    assert marked(expected, actual) == ['"Roast the bones first."', "null"]


def test_a_missing_and_an_extra_field_stand_alone() -> None:
    assert shown('{"a": 1, "b": 2}', '{"a": 1}') == [
        ("same", "{"),
        ("same", '  "a": 1,'),
        ("want", '  "b": 2'),
        ("same", "}"),
    ]
    assert shown('{"a": 1}', '{"a": 1, "c": 3}') == [
        ("same", "{"),
        ("same", '  "a": 1'),
        ("got", '  "c": 3'),
        ("same", "}"),
    ]
    assert marked('{"a": 1, "b": 2}', '{"a": 1}') == ['"b": 2']


def test_json_beside_other_text_is_indented_too() -> None:
    assert shown("an object with a title", '{"id": 7}') == [
        ("want", "an object with a title"),
        ("got", "{"),
        ("got", '  "id": 7'),
        ("got", "}"),
    ]


def test_a_comma_counts_where_the_text_is_not_json() -> None:
    assert shown("a,\nb", "a\nb")[:2] == [("want", "a,"), ("got", "a")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}', True),
        ('{"a": true}', '{"a": 1}', False),
        ("201", "201", False),
        ("{", "{", False),
    ],
)
def test_same_json(one: str, other: str, same: bool) -> None:
    assert is_same_json(one, other) is same


def test_single_values_are_compared_as_they_are() -> None:
    assert shown("201", "200") == [("want", "201"), ("got", "200")]
    assert marked("201 Created", "200 OK") == ["201 Created", "200 OK"]


def test_one_side_alone_is_shown_unmarked() -> None:
    assert shown(None, "boom") == [("got", "boom")]
    assert shown("a key 'title'", None) == [("want", "a key 'title'")]
    assert shown(None, None) == []
    assert shown("", "x") == [("want", ""), ("got", "x")]


def test_long_equal_stretches_are_left_out_and_counted() -> None:
    same = "\n".join(f"line {number}" for number in range(50))
    lines = shown(f"{same}\nend", f"{same}\nfin")
    assert lines[0] == ("gap", "47 equal lines")
    assert lines[1:] == [
        ("same", "line 47"),
        ("same", "line 48"),
        ("same", "line 49"),
        ("want", "end"),
        ("got", "fin"),
    ]


def test_huge_texts_are_cut_aloud() -> None:
    long_line = shown("a" * 5_000, "b")
    assert long_line[0][1].endswith(f"… {5_000 - MAX_LINE_CHARACTERS} more characters")
    many = shown("\n".join(map(str, range(2_000))), "0")
    assert any(text == f"… {2_000 - MAX_LINES} more lines" for _, text in many)
    megabyte = shown("x\n" * 500_000, "y\n" * 500_000)
    assert len(megabyte) < 4 * MAX_LINES
    assert any("more characters" in text for _, text in megabyte)


@given(st.text(max_size=300), st.text(max_size=300))
def test_both_texts_can_be_read_back_from_the_difference(expected: str, actual: str) -> None:
    lines = diff_lines(expected, actual)
    if any(line.kind == "gap" for line in lines) or expected.strip()[:1] in ("{", "["):
        return
    want = [line.text for line in lines if line.kind in ("same", "want")]
    got = [line.text for line in lines if line.kind in ("same", "got")]
    assert want == plain_text(expected).split("\n")
    assert got == plain_text(actual).split("\n")
