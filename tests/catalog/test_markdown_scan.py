"""Reading the structure of Markdown: what counts, where it stands, and what does not count."""

import pytest

from backpath.catalog.markdown_scan import (
    diagram_name,
    highlighted_lines,
    plain_text,
    scan_markdown,
    slugify_heading,
)


def test_headings_have_lines_levels_and_ids() -> None:
    scan = scan_markdown("## One *big* `part`\n\ntext\n\n### Two {#second}\n", first_line=10)
    assert [(h.line, h.level, h.text, h.id) for h in scan.headings] == [
        (10, 2, "One big part", "one-big-part"),
        (14, 3, "Two", "second"),
    ]


def test_fences_keep_their_text_and_hide_what_looks_like_markdown() -> None:
    text = '```python run title="a b.py" hl_lines="2"\n# no heading\n[no](link)\n<b>\n```\n'
    scan = scan_markdown(text)
    (fence,) = scan.fences
    assert (fence.line, fence.end_line, fence.language, fence.tag) == (1, 5, "python", "run")
    assert fence.title == "a b.py"
    assert fence.text == "# no heading\n[no](link)\n<b>"
    assert (scan.headings, scan.links, scan.findings) == ([], [], [])


def test_fence_in_a_list_loses_its_indentation() -> None:
    scan = scan_markdown("1. Step\n\n    ```json illustration\n    {\n      1\n    }\n    ```\n")
    assert scan.fences[0].text == "{\n  1\n}"


def test_longer_fence_holds_shorter_ones() -> None:
    scan = scan_markdown("````text illustration\n```\nx\n```\n````\n\n## After\n")
    assert scan.fences[0].text == "```\nx\n```"
    assert scan.headings[0].text == "After"


def test_links_span_lines_and_keep_the_line_they_begin_on() -> None:
    scan = scan_markdown("one\ntwo [a\nb](/lessons/x/)\n\n![pic `a`](p.png) <https://e.org/>\n")
    assert [(link.line, link.text, link.target, link.is_image) for link in scan.links] == [
        (2, "a b", "/lessons/x/", False),
        (5, "pic `a`", "p.png", True),
        (5, "https://e.org/", "https://e.org/", False),
    ]


def test_code_spans_hold_no_links_and_no_html() -> None:
    scan = scan_markdown("Write `[a](b)` or `` <br> ` `` or `a\n<b>`.\n")
    assert (scan.links, scan.findings) == ([], [])


def test_words_are_those_that_are_read() -> None:
    prose = "## Two words\n\nIt's `one` [link text](/lessons/a/).\n"
    code = "```text illustration\nnot these\n```\n"
    table = "| a | b |\n|---|---|\n| c | 1.5 |\n"
    text = "\n".join([prose, code, table])
    assert scan_markdown(text).word_count == 2 + 4 + 4


@pytest.mark.parametrize(
    ("title", "identifier"),
    [
        ("PUT or PATCH?", "put-or-patch"),
        ("Ada's café", "adas-cafe"),
        ("  /articles/{id}  ", "articles-id"),
        ("???", ""),
    ],
)
def test_ids_are_made_of_letters_and_digits(title: str, identifier: str) -> None:
    assert slugify_heading(title) == identifier


def test_plain_text_drops_marks_but_not_what_they_hold() -> None:
    assert plain_text("**a** `b_c` [d](e) snake_case_name *f*") == "a b_c d snake_case_name f"


def test_diagram_name_is_the_start_of_the_hash_of_the_text() -> None:
    assert diagram_name("flowchart TD") == "a3d27ba5ee89"


def test_line_ranges_are_read_and_nonsense_is_refused() -> None:
    assert list(highlighted_lines("2 5-7")) == [2, 5, 6, 7]
    for wrong in ("0", "7-5", "a", "1-", "1-5000"):
        with pytest.raises(ValueError, match="no range of lines"):
            list(highlighted_lines(wrong))
