"""What a learner reads about each kind of limit."""

from typing import Any

import pytest

from backpath.execution.limits import UNITS
from backpath.execution.outcome import LIMIT_KINDS
from backpath.grading.limit_words import CAUSES, NAMES, amount, decides, limit_words


def make_limit(kind: str, **changes: Any) -> dict[str, Any]:
    return {"kind": kind, "limit": 64.0, "used": 63.5, "unit": UNITS[kind], **changes}


def test_every_kind_has_a_name_and_a_cause() -> None:
    assert set(CAUSES) == set(NAMES) == set(LIMIT_KINDS)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            make_limit("wall", limit=120, used=120.04),
            "All checks together have 120 seconds, counted from when your application is ready.",
        ),
        (
            make_limit("cpu", limit=1, used=1.04),
            "It computed for 1 second; 1 second is the limit here, counted from when it is ready.",
        ),
        (
            make_limit("memory"),
            "It had 63.5 MB in use; 64 MB is the limit here, and what goes beyond it is stopped.",
        ),
        (
            make_limit("memory", used=None),
            "64 MB is the limit here, and what goes beyond it is stopped.",
        ),
        (
            make_limit("processes", used=64),
            "Your application had 64 processes and threads, which is the limit here.",
        ),
        (
            make_limit("disk", limit=128),
            "Your application used 63.5 MB of 128 MB of a folder that it may write to.",
        ),
        (
            make_limit("disk", used=64),
            "Your application used all 64 MB of a folder that it may write to.",
        ),
        (
            make_limit("inodes", limit=8192, used=8191),
            "Your application had 8,191 files and folders in one place; 8,192 is the limit here.",
        ),
        (
            make_limit("file_size", limit=128, used=128),
            "One file reached 128 MB, which is the limit for a single file here.",
        ),
        (
            make_limit("open_files", limit=1024, used=1024),
            "One process of your application had 1,024 files and connections open, which is the "
            "limit here.",
        ),
        (
            make_limit("open_files", limit=1024, used=1020),
            "One process of your application had 1,020 files and connections open; 1,024 is the "
            "limit here.",
        ),
        (
            make_limit("output", limit=2, used=3.25),
            "Your application sent 3.2 MB in all; 2 MB is the limit here.",
        ),
    ],
)
def test_the_limit_and_the_use_are_told(limit: dict[str, Any], told: str) -> None:
    words = limit_words(limit)
    assert words is not None
    assert words.told == told


@pytest.mark.parametrize("used", [None, 0.0, 63.5, 64.0, 1e11])
@pytest.mark.parametrize("kind", LIMIT_KINDS)
def test_every_kind_makes_whole_sentences(kind: str, used: float | None) -> None:
    words = limit_words(make_limit(kind, used=used))
    assert words is not None
    for text in (words.headline, words.told, words.cause):
        assert text.endswith(".")
        assert text[0].isupper() or text[0].isdigit()
        assert "None" not in text
        assert not any(f" {word} " in text for word in ("just", "simply", "obviously"))
    assert "usual cause" in words.cause
    assert "64" in f"{words.headline} {words.told}"


@pytest.mark.parametrize("limit", [None, {}, make_limit("wall") | {"kind": "patience"}])
def test_without_a_known_limit_there_are_no_words(limit: dict[str, Any] | None) -> None:
    assert limit_words(limit) is None


def test_only_clocks_and_memory_decide_a_verdict() -> None:
    deciding = {
        (verdict, kind)
        for verdict in ("passed", "failed", "errored", "timed_out", "out_of_memory")
        for kind in LIMIT_KINDS
        if decides(verdict, kind)
    }
    assert deciding == {("timed_out", "wall"), ("timed_out", "cpu"), ("out_of_memory", "memory")}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1, "s", "1 second"),
        (1.04, "s", "1 second"),
        (0, "s", "0 seconds"),
        (30.44, "s", "30.4 seconds"),
        (1200, "s", "1,200 seconds"),
        (512.0, "MiB", "512 MB"),
        (1, "bytes", "1 byte"),
        (65536, "bytes", "65,536 bytes"),
        (1024, "files", "1,024"),
    ],
)
def test_amounts(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text
