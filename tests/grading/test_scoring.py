"""From outcomes to a verdict."""

from collections.abc import Sequence
from typing import Any

import pytest

from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.grading.scoring import PlatformFault, Scored, score_run
from tests.grading.factories import (
    make_check,
    make_definition,
    make_exchange,
    make_outcome,
)

ALL = ("start.health", "read.list", "read.secret")


def score(outcome: RunOutcome, **definition: Any) -> Scored:
    scored = score_run(make_definition(**definition), outcome)
    assert isinstance(scored, Scored), scored
    return scored


def fault(outcome: RunOutcome) -> PlatformFault:
    scored = score_run(make_definition(), outcome)
    assert isinstance(scored, PlatformFault), scored
    return scored


def checks(*outcomes: str) -> list[CheckFinished]:
    return [make_check(check_id, outcome) for check_id, outcome in zip(ALL, outcomes, strict=False)]


def test_everything_passed() -> None:
    scored = score(make_outcome())
    assert (scored.verdict, scored.score, scored.max_score) == ("passed", 100, 100)
    assert scored.counts == {"passed": 3}
    assert [check.position for check in scored.checks] == [1, 2, 3]
    assert [check.group for check in scored.checks] == ["start", "read", "read"]


def test_results_take_the_order_of_the_definition() -> None:
    scored = score(make_outcome(checks=checks("passed", "passed", "passed")[::-1]))
    assert [check.check_id for check in scored.checks] == list(ALL)


@pytest.mark.parametrize(
    ("outcomes", "pass_score", "verdict", "points"),
    [
        (("passed", "passed", "failed"), 70, "passed", 70),
        (("passed", "passed", "failed"), 71, "failed", 70),
        # A blocking check decides whatever the score is.
        (("failed", "passed", "passed"), 50, "failed", 80),
        (("learner_error", "passed", "passed"), 50, "failed", 80),
        (("failed", "not_reached", "not_reached"), 80, "failed", 0),
        (("learner_error", "not_reached", "not_reached"), 80, "errored", 0),
        (("learner_error", "learner_error", "learner_error"), 80, "errored", 0),
        (("passed", "learner_error", "learner_error"), 80, "failed", 20),
        (("timed_out", "timed_out", "not_reached"), 80, "failed", 0),
    ],
)
def test_verdicts_of_completed_runs(
    outcomes: Sequence[str], pass_score: int, verdict: str, points: int
) -> None:
    scored = score(make_outcome(checks=checks(*outcomes)), pass_score=pass_score)
    assert (scored.verdict, scored.score) == (verdict, points)


def test_a_score_is_never_rounded_up_into_a_pass() -> None:
    definition = make_definition(
        checks=[{"id": f"a.{n}", "title": "t", "points": 1} for n in range(3)], pass_score=67
    )
    outcome = make_outcome(
        checks=[make_check("a.0"), make_check("a.1"), make_check("a.2", "failed")]
    )
    scored = score_run(definition, outcome)
    # 2 of 3 are 66.67 %.
    assert isinstance(scored, Scored)
    assert (scored.verdict, scored.score, scored.max_score) == ("failed", 2, 3)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("app_not_ready", "errored"),
        ("timed_out", "timed_out"),
        ("out_of_memory", "out_of_memory"),
    ],
)
def test_a_run_that_ended_early_keeps_what_it_had(status: str, verdict: str) -> None:
    scored = score(make_outcome(status=status, checks=checks("passed", "failed")))
    assert scored.verdict == verdict
    assert [check.outcome for check in scored.checks] == ["passed", "failed", "not_reached"]
    assert scored.score == 20
    assert scored.counts == {"passed": 1, "failed": 1, "not_reached": 1}


@pytest.mark.parametrize("status", ["app_not_ready", "timed_out", "out_of_memory"])
def test_a_run_that_ended_early_never_passes(status: str) -> None:
    assert score(make_outcome(status=status)).verdict != "passed"


@pytest.mark.parametrize("status", ["infrastructure_error", "grader_error"])
def test_faults_of_ours_are_no_verdict(status: str) -> None:
    found = fault(make_outcome(status=status, detail="the disk is full"))
    assert found == PlatformFault(status.replace("_", "-"), "the disk is full")


def test_a_status_that_nobody_knows_is_our_fault() -> None:
    assert fault(make_outcome(status="passed")).code == "infrastructure-error"


@pytest.mark.parametrize(
    ("reported", "named"),
    [
        ([*checks("passed", "passed", "passed"), make_check("read.list")], "duplicate"),
        ([*checks("passed", "passed", "passed"), make_check("bonus.points")], "unknown"),
        (checks("passed", "passed"), "missing ['read.secret']"),
        ([], "missing"),
    ],
)
def test_other_checks_than_expected_never_pass(reported: list[CheckFinished], named: str) -> None:
    found = fault(make_outcome(checks=reported))
    assert found.code == "grader-error"
    assert named in found.detail


@pytest.mark.parametrize("status", ["app_not_ready", "timed_out", "out_of_memory"])
def test_an_early_end_excuses_missing_checks_only(status: str) -> None:
    twice = [make_check("start.health"), make_check("start.health")]
    assert fault(make_outcome(status=status, checks=twice)).code == "grader-error"
    foreign = [make_check("bonus.points")]
    assert fault(make_outcome(status=status, checks=foreign)).code == "grader-error"


@pytest.mark.parametrize("outcome", ["grader_error", "PASSED", "", "excellent"])
def test_an_outcome_that_is_not_the_learners_is_our_fault(outcome: str) -> None:
    found = fault(make_outcome(checks=checks("passed", outcome, "passed")))
    assert found.code == "grader-error"
    assert "read.list" in found.detail


def test_points_come_from_the_definition() -> None:
    scored = score(make_outcome(checks=checks("passed", "failed", "passed")))
    assert [(check.points, check.max_points) for check in scored.checks] == [
        (20, 20),
        (0, 50),
        (30, 30),
    ]


def test_a_hidden_check_keeps_its_message_only() -> None:
    telling = {
        "message": "the author's words",
        "expected": "201",
        "actual": "200",
        "exchanges": [make_exchange()],
        "output": "print",
    }
    reported = [
        make_check("start.health"),
        make_check("read.list", "failed", **telling),
        make_check("read.secret", "failed", **telling),
    ]
    shown, hidden = score(make_outcome(checks=reported)).checks[1:]
    assert (shown.expected, shown.actual, shown.output) == ("201", "200", "print")
    assert len(shown.exchanges) == 1
    assert hidden.message == "the author's words"
    assert (hidden.expected, hidden.actual, hidden.output) == (None, None, "")
    assert hidden.exchanges == []


def test_texts_are_cleaned_and_capped() -> None:
    reported = checks("passed", "passed", "passed")
    reported[1] = make_check(
        "read.list", "failed", message="x" * 1_000_000 + "\x00", actual="\u202eevil", duration_ms=-5
    )
    result = score(make_outcome(checks=reported)).checks[1]
    assert len(result.message) < 5_000
    assert result.message.endswith("more characters are not shown]")
    assert result.actual == "evil"
    assert result.duration_ms == 0
