"""Code in lessons is run, and what the text says about it is held against what happens."""

from pathlib import Path

import pytest

from backpath.catalog.loader import load_content
from backpath.cli.snippet_check import check_snippets, snippets_of
from backpath.execution.snippets import CompletedSnippet
from tests.catalog.factories import LESSON_BODY, ContentFolder, make_content, make_front_matter

FIRST = "lessons/data/04-rest/010-first/lesson.md"


@pytest.fixture
def content(tmp_path: Path) -> ContentFolder:
    return make_content(tmp_path / "content")


def check(content: ContentFolder, body: str, *results: CompletedSnippet) -> list[str]:
    """The problems of a first lesson with `body`, whose snippets end as `results` say."""
    content.write(FIRST, f"---\n{make_front_matter()}---\n## One {{#part}}\n\n{body}\n")
    tree, _ = load_content(content.lessons)
    snippets = [snippet for snippet in snippets_of(tree) if snippet.file == FIRST]
    waiting = list(results)
    found = check_snippets(snippets, lambda _code, _title: waiting.pop(0), parallel=1)
    assert waiting == []
    first = (content.root / FIRST).read_text().splitlines()
    return [f"{first[problem.line - 1]} | {problem.message}" for problem in found]


def done(stdout: str = "", *, code: int | None = 0, stderr: str = "") -> CompletedSnippet:
    return CompletedSnippet(code, stdout, stderr)


def test_code_and_titles_reach_the_runner(content: ContentFolder) -> None:
    tree, _ = load_content(content.lessons)
    asked: list[tuple[str, str]] = []

    def run(code: str, title: str) -> CompletedSnippet:
        asked.append((code, title))
        return done("hello\n")

    assert check_snippets(snippets_of(tree), run) == []
    assert asked == [('print("hello")', "part.py")] * 2


def test_only_python_that_is_tagged_is_run(content: ContentFolder) -> None:
    body = "```python illustration\n1\n```\n\n```json illustration\n{}\n```"
    assert check(content, body) == []


def test_code_that_breaks_is_reported_with_its_last_line(content: ContentFolder) -> None:
    broken = done(code=1, stderr="Traceback\n  File x\nNameError: name 'x'\n\n")
    assert check(content, "```python run\nx\n```", broken) == [
        "```python run | The code ends in an error: NameError: name 'x'."
    ]


def test_expected_error_must_come(content: ContentFolder) -> None:
    body = "```python expect-error\n1/0\n```"
    assert check(content, body, done(code=1)) == []
    assert check(content, body, done()) == [
        "```python expect-error | The code is meant to end in an error, and does not."
    ]


def test_code_that_does_not_end_is_reported(content: ContentFolder) -> None:
    for tag in ("run", "expect-error"):
        (problem,) = check(content, f"```python {tag}\n1\n```", done(code=None))
        assert "does not end by itself" in problem


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("one\ntwo\n", None),
        ("one  \ntwo\n\n", None),
        ("one\n2\n", "line 2 is `2`, not `two`."),
        ("one\n", "it ends after line 1."),
        ("one\ntwo\nthree\n", "line 3 is `three`."),
        ("", "it ends after line 0."),
    ],
)
def test_output_must_be_what_is_printed(
    content: ContentFolder, printed: str, said: str | None
) -> None:
    body = "```python run\n1\n```\n\nSo:\n\n```output\none\ntwo\n```"
    expected = [] if said is None else [f"```output | The code prints something else: {said}"]
    assert check(content, body, done(printed)) == expected


def test_specifications_are_checked_too(content: ContentFolder) -> None:
    content.write("graders/small-api/spec.md", "## Rules {#rules}\n\n```python run\n1\n```\n")
    tree, _ = load_content(content.lessons, content.graders)
    assert snippets_of(tree)[-1].file == "graders/small-api/spec.md"
    assert LESSON_BODY.count("```python run") * 2 + 1 == len(snippets_of(tree))
