"""From what the runner reported to a verdict. Pure: no database, no clock, no files.

The runner reports outcomes, never a score: points come from the assignment's own
definition. A missing, duplicate or unknown check never passes; it makes the run the
platform's fault.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.grading.text import (
    MESSAGE_LIMIT,
    OUTPUT_LIMIT,
    VALUE_LIMIT,
    clean_exchanges,
    clean_integer,
    clean_optional,
    clean_text,
)

# What a check may report about a learner's work. `grader_error` is missing on purpose.
LEARNER_OUTCOMES: Final = frozenset(
    {"passed", "failed", "learner_error", "timed_out", "not_reached"}
)
# Status of a run that ended early -> verdict. Whatever was not reported was not reached.
EARLY_VERDICTS: Final = {
    "app_not_ready": "errored",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
}
PLATFORM_STATUSES: Final = frozenset({"infrastructure_error", "grader_error"})


@dataclass(frozen=True)
class ScoredCheck:
    """One check as the report keeps it: the definition's facts, the runner's outcome, clean."""

    position: int
    check_id: str
    group: str
    title: str
    outcome: str
    points: int
    max_points: int
    message: str = ""
    expected: str | None = None
    actual: str | None = None
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""
    duration_ms: int = 0


@dataclass(frozen=True)
class Scored:
    """A verdict on the learner's work. `counts` maps outcome -> number of checks."""

    verdict: str
    score: int
    max_score: int
    counts: dict[str, int]
    checks: list[ScoredCheck]


@dataclass(frozen=True)
class PlatformFault:
    """The run says nothing about the learner's work. `code` is `infrastructure-error` or
    `grader-error`; `detail` is for operators."""

    code: str
    detail: str


def points_of(check: Mapping[str, Any], outcome: str) -> int:
    """The points that `outcome` earns for a check of the definition."""
    return int(check["points"]) if outcome == "passed" else 0


def score_run(definition: Mapping[str, Any], outcome: RunOutcome) -> Scored | PlatformFault:
    """Judge one run.

    `definition` has the keys `checks` (dicts with `id`, `title`, `points` and maybe
    `blocking`) and `pass_score` (percent).
    """
    if outcome.status in PLATFORM_STATUSES:
        return PlatformFault(outcome.status.replace("_", "-"), outcome.detail)
    if outcome.status != "completed" and outcome.status not in EARLY_VERDICTS:
        return PlatformFault("infrastructure-error", f"unknown status {outcome.status!r}")
    expected_ids = [check["id"] for check in definition["checks"]]
    fault = _fault_of_results(expected_ids, outcome)
    if fault:
        return fault
    reported = {check.check_id: check for check in outcome.checks}
    checks = [
        _scored_check(position, check, reported.get(check["id"]))
        for position, check in enumerate(definition["checks"], start=1)
    ]
    return Scored(
        verdict=EARLY_VERDICTS.get(outcome.status) or _verdict(definition, checks),
        score=sum(check.points for check in checks),
        max_score=sum(check.max_points for check in checks),
        counts=dict(Counter(check.outcome for check in checks)),
        checks=checks,
    )


def _fault_of_results(expected_ids: list[str], outcome: RunOutcome) -> PlatformFault | None:
    times_reported = Counter(check.check_id for check in outcome.checks)
    unknown = sorted(set(times_reported) - set(expected_ids))
    duplicate = sorted(check_id for check_id, times in times_reported.items() if times > 1)
    missing = [check_id for check_id in expected_ids if check_id not in times_reported]
    if outcome.status != "completed":
        missing = []
    if unknown or duplicate or missing:
        return PlatformFault(
            "grader-error",
            f"the reported checks are not those of the assignment: unknown {unknown[:10]!r}, "
            f"duplicate {duplicate[:10]!r}, missing {missing[:10]!r}",
        )
    faulty = [check for check in outcome.checks if check.outcome not in LEARNER_OUTCOMES]
    if faulty:
        return PlatformFault(
            "grader-error",
            "; ".join(f"{check.check_id} {check.outcome}: {check.message}" for check in faulty[:3]),
        )
    return None


def _scored_check(
    position: int, check: Mapping[str, Any], reported: CheckFinished | None
) -> ScoredCheck:
    outcome = reported.outcome if reported else "not_reached"
    facts: dict[str, Any] = {
        "position": position,
        "check_id": check["id"],
        "group": check["id"].partition(".")[0],
        "title": check["title"],
        "outcome": outcome,
        "points": points_of(check, outcome),
        "max_points": int(check["points"]),
    }
    if reported is None:
        return ScoredCheck(**facts)
    facts["message"] = clean_text(reported.message, limit=MESSAGE_LIMIT)
    facts["duration_ms"] = clean_integer(reported.duration_ms)
    if check.get("hidden"):
        # The request and the difference would give the hidden test away.
        return ScoredCheck(**facts)
    return ScoredCheck(
        **facts,
        expected=clean_optional(reported.expected, limit=VALUE_LIMIT),
        actual=clean_optional(reported.actual, limit=VALUE_LIMIT),
        exchanges=clean_exchanges(reported.exchanges),
        output=clean_text(reported.output, limit=OUTPUT_LIMIT),
    )


def _verdict(definition: Mapping[str, Any], checks: list[ScoredCheck]) -> str:
    """The verdict of a run that completed.

    Every blocking check must pass, and the score must reach `pass_score` percent; whole
    numbers are compared, so nothing is rounded up into a pass.
    """
    is_blocking = {check["id"]: bool(check.get("blocking")) for check in definition["checks"]}
    score = sum(check.points for check in checks)
    max_score = sum(check.max_points for check in checks)
    blocked = any(is_blocking[check.check_id] and check.outcome != "passed" for check in checks)
    if not blocked and score * 100 >= int(definition["pass_score"]) * max_score:
        return "passed"
    outcomes = {check.outcome for check in checks}
    if "learner_error" in outcomes and not outcomes - {"learner_error", "not_reached"}:
        return "errored"
    return "failed"
