"""Which failure to put right first, and which checks wait for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backpath.grading.models import CheckResult

STATES: Final[Mapping[str, str]] = {
    CheckResult.Outcome.PASSED: "pass",
    CheckResult.Outcome.FAILED: "fail",
    CheckResult.Outcome.LEARNER_ERROR: "fail",
    CheckResult.Outcome.TIMED_OUT: "fail",
    CheckResult.Outcome.NOT_REACHED: "skip",
}


def is_failing(result: CheckResult) -> bool:
    """Whether a check ran and did not pass."""
    return STATES[result.outcome] == "fail"


def blockers(
    definition: Mapping[str, Any], results: Sequence[CheckResult]
) -> dict[str, frozenset[str]]:
    """Return, for every check that was not reached, the failing checks it waits for.

    A check waits for what it requires, for what that requires in turn, and for the blocking
    checks of every gate before its group.
    """
    requires = {spec["id"]: spec.get("requires", ()) for spec in definition.get("checks", ())}
    blocking = {spec["id"] for spec in definition.get("checks", ()) if spec.get("blocking")}
    gates = [group["id"] for group in definition.get("groups", ()) if group.get("gate")]
    group_order = [group["id"] for group in definition.get("groups", ())]
    by_id = {result.check_id: result for result in results}

    def roots(check_id: str, seen: frozenset[str]) -> frozenset[str]:
        found: set[str] = set()
        for needed in requires.get(check_id, ()):
            result = by_id.get(needed)
            if result is None or needed in seen:
                continue
            if is_failing(result):
                found.add(needed)
            elif result.outcome == CheckResult.Outcome.NOT_REACHED:
                found |= roots(needed, seen | {needed})
        return frozenset(found)

    waiting = {}
    for result in results:
        if result.outcome != CheckResult.Outcome.NOT_REACHED:
            continue
        earlier = (
            group_order[: group_order.index(result.group)] if result.group in group_order else ()
        )
        behind = {
            other.check_id
            for other in results
            if is_failing(other)
            and other.check_id in blocking
            and other.group in gates
            and other.group in earlier
        }
        waiting[result.check_id] = roots(result.check_id, frozenset({result.check_id})) | behind
    return waiting


def fix_order(definition: Mapping[str, Any], results: Sequence[CheckResult]) -> list[str]:
    """Return the failing checks in the order they are best put right.

    Gates first, then blocking checks, then those that most points wait for, then as they ran.
    """
    blocking = {spec["id"] for spec in definition.get("checks", ()) if spec.get("blocking")}
    gates = {group["id"] for group in definition.get("groups", ()) if group.get("gate")}
    waiting = blockers(definition, results)
    points = {result.check_id: result.max_points for result in results}

    def rank(result: CheckResult) -> tuple[bool, bool, int, int]:
        behind = sum(points[name] for name, roots in waiting.items() if result.check_id in roots)
        is_blocking = result.check_id in blocking
        return (
            not (is_blocking and result.group in gates),
            not is_blocking,
            -behind,
            result.position,
        )

    return [result.check_id for result in sorted(filter(is_failing, results), key=rank)]
