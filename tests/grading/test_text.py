"""What comes out of a sandbox, made fit to store."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.outcome import LIMIT_KINDS, LimitHit
from backpath.grading.text import (
    EXCHANGES_KEPT,
    HEADERS_KEPT,
    MAX_INTEGER,
    VALUE_LIMIT,
    clean_exchanges,
    clean_integer,
    clean_limit,
    clean_mapping,
    clean_optional,
    clean_text,
    clean_timings,
)
from tests.grading.factories import make_exchange


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("nul\x00l", "null"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("admin\u202egnp.exe", "admingnp.exe"),
        ("\u2066isolate\u2069", "isolate"),
        ("\u200fmark\u061c", "mark"),
        ("half \ud800 pair", "half  pair"),
        ("c1 \x9b31m", "c1 31m"),
        ("emoji 🎉 and Übung", "emoji 🎉 and Übung"),
        (None, ""),
        (12, "12"),
    ],
)
def test_unsafe_characters_are_stripped(raw: object, clean: str) -> None:
    assert clean_text(raw, limit=100) == clean


def test_a_long_text_keeps_its_start_and_says_what_is_missing() -> None:
    assert clean_text("a" * 10 + "b" * 5, limit=10) == (
        "a" * 10 + "\n[5 more characters are not shown]"
    )


def test_a_long_log_keeps_its_end() -> None:
    cleaned = clean_text("old\n" * 10 + "Traceback", limit=9, keep="end")
    assert cleaned == "[40 more characters are not shown]\nTraceback"


def test_a_giant_text_is_counted_without_being_scanned_whole() -> None:
    cleaned = clean_text("x" * 5_000_000, limit=10)
    assert cleaned == "x" * 10 + "\n[4,999,990 more characters are not shown]"


def test_text_of_the_allowed_length_has_no_notice() -> None:
    assert clean_text("x" * 10, limit=10) == "x" * 10


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(1, 50))
def test_whatever_comes_can_be_stored(raw: str, limit: int) -> None:
    cleaned = clean_text(raw, limit=limit)
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert len(cleaned) <= limit + 60


def test_nothing_expected_is_not_the_empty_text() -> None:
    assert clean_optional(None, limit=5) is None
    assert clean_optional("", limit=5) == ""


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (12, 12),
        (3.9, 3),
        (-4, 0),
        (10**30, MAX_INTEGER),
        (10**400, MAX_INTEGER),
        (-(10**400), 0),
        (float("nan"), 0),
        (float("inf"), 0),
        (True, 0),
        ("12", 0),
        (None, 0),
    ],
)
def test_integers_fit_the_column(raw: object, clean: int) -> None:
    assert clean_integer(raw) == clean


def test_timings_are_finite_numbers() -> None:
    assert clean_timings(
        {
            "total": 1.23456,
            "bad": float("nan"),
            "worse": "1",
            "minus": -1,
            "worst": float("inf"),
            "huge": 10**400,
        }
    ) == {"total": 1.2346}
    assert clean_timings(["total"]) == {}


def test_a_mapping_is_capped_and_cleaned() -> None:
    raw = {f"na\x00me{number}": "va\x00lue" for number in range(10)}
    cleaned = clean_mapping(raw, limit=10, entries=3)
    assert cleaned == {"name0": "value", "name1": "value", "name2": "value"}
    assert clean_mapping("text", limit=10, entries=3) == {}


def test_exchanges_keep_known_keys_only_and_the_last_ones() -> None:
    many = [make_exchange(path=f"/{number}", cookie="x") for number in range(20)]
    cleaned = clean_exchanges(many)
    assert [exchange["path"] for exchange in cleaned] == [
        f"/{number}" for number in range(20 - EXCHANGES_KEPT, 20)
    ]
    assert "cookie" not in cleaned[0]


def test_a_hostile_exchange_is_made_harmless() -> None:
    (cleaned,) = clean_exchanges(
        [
            make_exchange(
                status=float("inf"),
                response_headers={f"x-{number}": "\u202ev" for number in range(500)},
                response_body="b\x00" * VALUE_LIMIT * 3,
                error="\x1b]0;title\x07",
            ),
        ]
    )
    assert cleaned["status"] == 0
    assert len(cleaned["response_headers"]) == HEADERS_KEPT
    assert set(cleaned["response_headers"].values()) == {"v"}
    assert cleaned["response_body"].endswith("more characters are not shown]")
    assert cleaned["error"] == ""
    json.dumps(cleaned, allow_nan=False)


def test_what_is_no_exchange_is_left_out() -> None:
    assert clean_exchanges([None, 3, "GET /"]) == []
    assert clean_exchanges("GET /") == []


@pytest.mark.parametrize("kind", LIMIT_KINDS)
def test_a_limit_is_kept_with_its_four_keys(kind: str) -> None:
    assert clean_limit(LimitHit(kind, 512.0, 511.987, "MiB")) == {
        "kind": kind,
        "limit": 512.0,
        "used": 511.99,
        "unit": "MiB",
    }


@pytest.mark.parametrize(
    "hit",
    [
        None,
        {"kind": "memory", "limit": 1, "used": 1, "unit": "MiB"},
        LimitHit("patience", 1, 1, "s"),
        LimitHit("memory", 1, 1, "<b>"),
        LimitHit("memory", float("nan"), 1, "MiB"),
        LimitHit("memory", float("inf"), 1, "MiB"),
        LimitHit("memory", -1, 1, "MiB"),
        LimitHit("memory", True, 1, "MiB"),
        LimitHit("memory", "512", 1, "MiB"),  # type: ignore[arg-type]  # hostile on purpose
    ],
)
def test_what_is_no_limit_is_not_kept(hit: object) -> None:
    assert clean_limit(hit) is None


@pytest.mark.parametrize("used", [None, float("nan"), float("inf"), -1, "a", [1], True])
def test_a_use_that_is_no_number_is_not_known(used: object) -> None:
    limit = clean_limit(LimitHit("cpu", 30, used, "s"))  # type: ignore[arg-type]  # hostile on purpose
    assert limit == {"kind": "cpu", "limit": 30.0, "used": None, "unit": "s"}
