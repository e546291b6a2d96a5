"""The first words of a report, for every way an attempt can end."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.outcome import LIMIT_KINDS
from backpath.grading.limit_words import limit_words
from backpath.grading.wording import Standing, counted, standing_words


def make_standing(**changes: Any) -> Standing:
    """42 checks, 34 passed, 78 of 100 points and 80 needed, one failure shown."""
    values: dict[str, Any] = {
        "verdict": "failed",
        "score": 78,
        "max_score": 100,
        "needed": 80,
        "passed": 34,
        "failed": 6,
        "not_reached": 2,
        "first_title": "PATCH keeps the fields it was not given",
        "score_if_fixed": 82,
        "wall_seconds": 120,
        "memory_mb": 512,
        **changes,
    }
    return Standing(**values)


CASES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "everything passes": (
        {"verdict": "passed", "score": 100, "passed": 42, "failed": 0, "not_reached": 0},
        "Passed, and every check with it.",
        ["All 42 checks pass.", "Nothing is left to mend here."],
    ),
    "the only check passes": (
        {"verdict": "passed", "score": 100, "passed": 1, "failed": 0, "not_reached": 0},
        "Passed, and every check with it.",
        ["The one check passes."],
    ),
    "everything passes after less": (
        {
            "verdict": "passed",
            "score": 100,
            "passed": 42,
            "failed": 0,
            "not_reached": 0,
            "previous_number": 3,
            "previous_score": 64,
        },
        "Passed, and every check with it.",
        ["Attempt 3 stood at 64."],
    ),
    "passed with failures left": (
        {"verdict": "passed", "score": 92, "passed": 39, "failed": 3, "not_reached": 0},
        "Passed.",
        ["92 of 100 points and needed 80", "3 checks fail still", "begin with “PATCH keeps"],
    ),
    "passed with one failure left": (
        {"verdict": "passed", "score": 97, "passed": 41, "failed": 1, "not_reached": 0},
        "Passed.",
        ["One check fails still"],
    ),
    "passed but lower than before": (
        {
            "verdict": "passed",
            "score": 85,
            "failed": 2,
            "not_reached": 0,
            "previous_number": 2,
            "previous_score": 95,
        },
        "Passed.",
        ["lower than attempt 2, which had 95"],
    ),
    "one blocking check, the rest would follow": (
        {"blocking_failed": 1, "unlocks": 3, "score_if_fixed": 92},
        "Close. One blocking check stands in the way.",
        [
            "“PATCH keeps the fields it was not given” fails.",
            "3 more checks can run",
            "up to 14 points",
            "could take you to 92",
            "You have 78 and pass at 80 with no blocking check failing.",
        ],
    ),
    "one blocking check, one other waits": (
        {"blocking_failed": 1, "unlocks": 1, "score_if_fixed": 84},
        "Close. One blocking check stands in the way.",
        ["one more check can run, together worth up to 6 points"],
    ),
    "one blocking check, far away": (
        {"blocking_failed": 1, "score": 30, "score_if_fixed": 34},
        "One blocking check stands in the way.",
        ["Put it right and you have 34 points.", "You have 30 and pass at 80"],
    ),
    "enough points but blocked": (
        {"blocking_failed": 1, "score": 90, "score_if_fixed": 94},
        "Close. One blocking check stands in the way.",
        ["You have the points, 90 of the 80 it takes, and pass with no blocking check failing."],
    ),
    "several blocking checks": (
        {"blocking_failed": 3, "score": 40, "score_if_fixed": 44},
        "3 blocking checks stand in the way.",
        ["“PATCH keeps the fields it was not given” is the one to begin with."],
    ),
    "near miss": (
        {},
        "Close: 2 points short.",
        ["Put it right and you have 82 points, which is a pass."],
    ),
    "near miss by one, mended by one": (
        {"score": 79, "score_if_fixed": 80},
        "Close: 1 point short.",
        ["Put it right and you have 80 points, which is a pass."],
    ),
    "near miss that takes more than one": (
        {"score": 75, "score_if_fixed": 77},
        "Close: 5 points short.",
        ["Put it right and you have 77 points.", "You have 75 and pass at 80."],
    ),
    "middle": (
        {"score": 55, "score_if_fixed": 59},
        "34 of 42 checks pass.",
        ["is the one to begin with", "you have 59 points", "You have 55 and pass at 80."],
    ),
    "zero": (
        {"score": 0, "passed": 0, "failed": 42, "not_reached": 0, "score_if_fixed": 4},
        "No check passes yet.",
        ["is the one to begin with", "you have 4 points"],
    ),
    "stopped at the gate": (
        {
            "score": 4,
            "passed": 1,
            "failed": 1,
            "not_reached": 40,
            "blocking_failed": 1,
            "first_is_gate": True,
            "first_title": "GET /health answers 200",
        },
        "The checks stopped at the first door.",
        ["“GET /health answers 200” has to pass before the 40 behind it can run."],
    ),
    "regression": (
        {
            "score": 64,
            "score_if_fixed": 68,
            "broke": 2,
            "previous_number": 3,
            "previous_score": 78,
        },
        "Lower than attempt 3: 64 after 78.",
        ["2 checks fail that passed in attempt 3."],
    ),
    "better overall, one broken": (
        {"score": 78, "broke": 1, "previous_number": 3, "previous_score": 64},
        "Close: 2 points short.",
        ["One check fails that passed in attempt 3."],
    ),
    "lower only because the grader asks more": (
        {
            "score": 60,
            "score_if_fixed": 64,
            "broke": 0,
            "previous_number": 3,
            "previous_score": 62,
        },
        "34 of 42 checks pass.",
        ["You have 60 and pass at 80."],
    ),
    "did not start": (
        {"verdict": "errored", "score": 0, "passed": 0, "failed": 0, "not_reached": 42},
        "Your application did not start.",
        ["could not be graded", "no attempt is lost", "Procfile"],
    ),
    "stopped halfway": (
        {"verdict": "errored", "score": 20, "passed": 8, "failed": 2, "not_reached": 32},
        "Your application stopped while it was being checked.",
        ["10 of 42 checks had finished by then."],
    ),
    "timed out": (
        {"verdict": "timed_out", "score": 20, "passed": 8, "failed": 2, "not_reached": 32},
        "Time ran out after 120 seconds.",
        ["10 of 42 checks had finished", "The first one that failed is “PATCH keeps"],
    ),
    "timed out with nothing failed": (
        {
            "verdict": "timed_out",
            "passed": 8,
            "failed": 0,
            "not_reached": 34,
            "first_title": "",
        },
        "Time ran out after 120 seconds.",
        ["takes long to answer, or never does."],
    ),
    "timed out by the clock on the wall": (
        {
            "verdict": "timed_out",
            "passed": 8,
            "failed": 2,
            "not_reached": 32,
            "limit": limit_words({"kind": "wall", "limit": 60.0, "used": 60.02, "unit": "s"}),
        },
        "Time ran out after 60 seconds.",
        [
            "All checks together have 60 seconds",
            "10 of 42 checks had finished.",
            "A request that takes long to answer",
            "The first one that failed is “PATCH keeps",
        ],
    ),
    "timed out by computing": (
        {
            "verdict": "timed_out",
            "passed": 8,
            "failed": 0,
            "not_reached": 34,
            "first_title": "",
            "limit": limit_words({"kind": "cpu", "limit": 30, "used": 30.44, "unit": "s"}),
        },
        "Your application used up its 30 seconds of computing time.",
        [
            "It computed for 30.4 seconds; 30 seconds is the limit here",
            "8 of 42 checks had finished.",
            "A loop without an end",
        ],
    ),
    "out of memory with what was in use": (
        {
            "verdict": "out_of_memory",
            "passed": 8,
            "failed": 2,
            "not_reached": 32,
            "limit": limit_words({"kind": "memory", "limit": 96, "used": 95.9, "unit": "MiB"}),
        },
        "Your application needed more than 96 MB of memory.",
        [
            "It had 95.9 MB in use; 96 MB is the limit here",
            "10 of 42 checks had finished.",
            "grows with every request",
        ],
    ),
    "out of memory, while the report names another limit": (
        {
            "verdict": "out_of_memory",
            "passed": 8,
            "failed": 2,
            "not_reached": 32,
            "limit": limit_words({"kind": "disk", "limit": 64, "used": 64, "unit": "MiB"}),
        },
        "Your application needed more than 512 MB of memory.",
        ["stopped at that limit, with 10 of 42 checks finished"],
    ),
    "failed, with a limit met": (
        {"limit": limit_words({"kind": "disk", "limit": 64, "used": 64, "unit": "MiB"})},
        "Close: 2 points short.",
        ["Put it right and you have 82 points, which is a pass."],
    ),
    "out of memory": (
        {"verdict": "out_of_memory", "score": 20, "passed": 8, "failed": 2, "not_reached": 32},
        "Your application needed more than 512 MB of memory.",
        ["stopped at that limit, with 10 of 42 checks finished"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_first_words(case: str) -> None:
    changes, headline, parts = CASES[case]
    words = standing_words(make_standing(**changes))
    assert words.headline == headline
    for part in parts:
        assert part in words.advice


@given(
    verdict=st.sampled_from(["passed", "failed", "errored", "timed_out", "out_of_memory"]),
    score=st.integers(0, 100),
    passed=st.integers(0, 50),
    failed=st.integers(0, 50),
    not_reached=st.integers(0, 50),
    blocking_failed=st.integers(0, 3),
    unlocks=st.integers(0, 5),
    broke=st.integers(0, 5),
    previous=st.none() | st.integers(0, 100),
    limit=st.none() | st.sampled_from(LIMIT_KINDS),
    used=st.none() | st.floats(0, 1e9),
)
def test_any_numbers_make_sentences(
    verdict: str,
    score: int,
    passed: int,
    failed: int,
    not_reached: int,
    blocking_failed: int,
    unlocks: int,
    broke: int,
    previous: int | None,
    limit: str | None,
    used: float | None,
) -> None:
    words = standing_words(
        make_standing(
            verdict=verdict,
            score=score,
            passed=passed,
            failed=failed,
            not_reached=not_reached,
            blocking_failed=blocking_failed,
            unlocks=unlocks,
            broke=broke,
            previous_score=previous,
            previous_number=None if previous is None else 3,
            score_if_fixed=min(100, score + 5),
            limit=limit and limit_words({"kind": limit, "limit": 1, "used": used, "unit": "s"}),
        )
    )
    assert words.headline.endswith(".")
    assert words.advice.endswith((".", "”."))
    text = f"{words.headline} {words.advice}"
    assert "  " not in text
    assert "None" not in text
    assert not any(f" {word} " in text.lower() for word in ("just", "simply", "obviously"))
    assert not re.search(r"(?<!\d)1 (checks|points)", text)


def test_numbers_agree_with_their_nouns() -> None:
    assert counted(1, "check") == "1 check"
    assert counted(0, "check") == "0 checks"
    assert counted(1_200, "reply", "replies") == "1,200 replies"
