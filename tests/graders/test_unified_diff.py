"""Patches in memory."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.cli.unified_diff import PatchRefused, apply_patch

OLD = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"


def diff(old: str, new: str, name: str = "app.py", context: int = 3) -> str:
    """What `diff -u` prints."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
        n=context,
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def test_changes_lines() -> None:
    new = OLD.replace("two\n", "2\nand a half\n").replace("nine\n", "")
    files = {"app.py": OLD.encode(), "other.py": b"kept\n"}
    result = apply_patch(files, diff(OLD, new))
    assert result == {"app.py": new.encode(), "other.py": b"kept\n"}
    assert files["app.py"] == OLD.encode(), "the files given are left alone"


def test_two_files_in_one_patch() -> None:
    patch = diff("a\n", "b\n", "a.py") + diff("c\n", "d\n", "c.py")
    assert apply_patch({"a.py": b"a\n", "c.py": b"c\n"}, patch) == {"a.py": b"b\n", "c.py": b"d\n"}


def test_finds_a_change_that_has_moved() -> None:
    patch = diff(OLD, OLD.replace("five\n", "5\n"), context=1)
    moved = "zero\nzero\n" + OLD
    assert apply_patch({"app.py": moved.encode()}, patch) == {
        "app.py": moved.replace("five\n", "5\n").encode()
    }


def test_takes_the_nearest_of_equal_places() -> None:
    block = "def f():\n    return 1\n"
    text = block + "\n" * 8 + block
    patch = diff(text, block + "\n" * 8 + "def f():\n    return 2\n", context=1)
    assert (
        apply_patch({"app.py": ("#\n" + text).encode()}, patch)["app.py"]
        == ("#\n" + block + "\n" * 8 + "def f():\n    return 2\n").encode()
    )


def test_adds_and_removes_files() -> None:
    patch = (
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
    )
    assert apply_patch({"old.py": b"gone\n"}, patch) == {"new.py": b"one\ntwo\n"}


def test_lines_of_git_are_passed_over() -> None:
    patch = "diff --git a/a.py b/a.py\nindex 1..2 100644\n" + diff("a\n", "b\n", "a.py")
    assert apply_patch({"a.py": b"a\n"}, patch) == {"a.py": b"b\n"}


def test_a_blank_line_of_context_may_have_lost_its_blank() -> None:
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n\n-two\n+2\n"
    assert apply_patch({"a.py": b"one\n\ntwo\n"}, patch) == {"a.py": b"one\n\n2\n"}


@pytest.mark.parametrize(
    ("patch", "line", "message"),
    [
        ("", 1, "The patch changes nothing."),
        ("just some words\n", 1, "The patch changes nothing."),
        ("@@ -1 +1 @@\n-a\n+b\n", 1, "before any file is named"),
        ("--- a/app.py\nwords\n", 2, r"\+\+\+ must follow"),
        ("--- a/app.py\n+++ b/app.py\n@@ one @@\n", 3, "no line of the form"),
        ("--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,2 @@\n one\n", 3, "ends in the middle"),
        ("--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,2 @@\n*one\n", 4, "begins with a blank"),
        ("--- a/app.py\n+++ b/app.py\n@@ -1,1 +1,2 @@\n one\n-two\n+2\n", 3, "line counts"),
        ("--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-one\n+1\n", 1, "There is no file no.py"),
        ("--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-uno\n+1\n", 3, "are not in the file"),
        ("--- /dev/null\n+++ b/app.py\n@@ -0,0 +1 @@\n+1\n", 1, "is there already"),
        ("--- a/app.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", 1, "lines of it are left"),
        ("--- a/pic.png\n+++ b/pic.png\n@@ -1 +1 @@\n-one\n+1\n", 1, "is not a text file"),
    ],
)
def test_refuses_what_does_not_fit(patch: str, line: int, message: str) -> None:
    with pytest.raises(PatchRefused, match=message) as refused:
        apply_patch({"app.py": OLD.encode(), "pic.png": b"\x89PNG\xff"}, patch)
    assert refused.value.line == line


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "@@", "--- x", "+++ y"]), max_size=12)


@given(LINES, LINES, st.booleans(), st.integers(0, 3))
def test_undoes_what_diff_does(
    old: list[str], new: list[str], ends_without_newline: bool, context: int
) -> None:
    before, after = "".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new)
    if ends_without_newline:
        after = after.removesuffix("\n")
    patch = diff(before, after, context=context)
    if not patch:
        return
    # With no context, equal lines make the place ambiguous; the file is as long as it was.
    assert apply_patch({"app.py": before.encode()}, patch)["app.py"] == after.encode()
