"""The rules of a proof. Pure: trials in, problems out.

1. Every reference gets all points, in every run.
2. The starter starts and stays below 30 %; an empty submission gets nothing.
3. A wrong solution fails exactly the checks that it names, with the words that it names, and
   what it does not reach follows from those.
4. Every check is failed by somebody.
5. The points total 100.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backpath.catalog.schema import PROJECT_POINTS, AssignmentFile, Problem, WrongFile
from backpath.catalog.tree import AssignmentContent
from backpath.cli.proof import AssignmentProof, Trial

STARTER_BELOW_PERCENT: Final = 30


def judge(assignment: AssignmentContent, proof: AssignmentProof) -> list[Problem]:
    """Return every way in which the trials do not prove the assignment's grader."""
    folder = Path(assignment.file).parent.as_posix()
    problems: list[Problem] = []
    wrong = {one.name: one.meta for one in assignment.wrong}
    by_reference: dict[str, list[Trial]] = defaultdict(list)
    for trial in proof.trials:
        if trial.fault:
            problems.append(_fault(folder, trial))
        elif trial.kind == "reference":
            by_reference[trial.name].append(trial)
        elif trial.kind == "starter":
            problems += _starter(folder, trial)
        elif trial.kind == "empty":
            problems += _empty(folder, trial)
        else:
            problems += _wrong(folder, assignment.meta, trial, wrong[trial.name])
    for name, trials in by_reference.items():
        problems += _reference(f"{folder}/reference/{name}", trials)
    if not proof.is_partial:
        problems += _unproved(assignment, proof)
    total = sum(check.points for check in assignment.meta.checks)
    if total != PROJECT_POINTS:
        message = f"The points of all checks total {total}."
        problems.append(_error(assignment.file, message, f"Make them total {PROJECT_POINTS}."))
    return problems


def follows(meta: AssignmentFile, failing: set[str]) -> set[str]:
    """Return the checks that cannot be reached once those of `failing` failed."""
    gates = {group.id for group in meta.groups if group.gate}
    closed = {c.group for c in meta.checks if c.blocking and c.group in gates and c.id in failing}
    unreached: set[str] = set()
    for check in meta.checks:
        is_shut_out = bool(closed) and check.group not in closed
        # The file's order has what is required before what requires it.
        if is_shut_out or any(need in failing | unreached for need in check.requires):
            unreached.add(check.id)
    return unreached - failing


def _reference(file: str, trials: list[Trial]) -> Iterator[Problem]:
    runs = len(trials)
    for trial in trials:
        if trial.status != "completed":
            message = f"The reference did not finish: {trial.status}. {trial.detail[:500]}".strip()
            yield _error(file, message, f"Run it again with the seed {trial.seed}.")
    finished = [trial for trial in trials if trial.status == "completed"]
    missed: dict[str, list[Trial]] = defaultdict(list)
    for trial in finished:
        for check_id, outcome in trial.outcomes.items():
            if outcome != "passed":
                missed[check_id].append(trial)
    for check_id, failed in missed.items():
        first = failed[0]
        said = f"{first.outcomes[check_id]}: {first.messages.get(check_id, '')}".strip(": ")
        if len(failed) < runs:
            yield _error(
                file,
                f"`{check_id}` is flaky: it did not pass in {len(failed)} of {runs} runs ({said})",
                "Find what depends on time, order or random values; the seed was "
                f"{first.seed}. A verdict that flips is never the learner's fault.",
            )
        else:
            yield _error(
                file,
                f"The reference does not pass `{check_id}` ({said})",
                "Mend the reference, or the check that asks too much.",
            )


def _starter(folder: str, trial: Trial) -> Iterator[Problem]:
    if trial.status != "completed":
        yield _error(
            f"{folder}/starter",
            f"The starter does not start: {trial.status}. {trial.detail[:500]}".strip(),
            "A learner's first step is a service that runs: make it answer GET /health.",
        )
    elif trial.score * 100 >= STARTER_BELOW_PERCENT * trial.max_score:
        yield _error(
            f"{folder}/starter",
            f"The starter scores {trial.score} of {trial.max_score}.",
            f"Leave more to the learner, or let checks require more: below "
            f"{STARTER_BELOW_PERCENT} %.",
        )


def _empty(folder: str, trial: Trial) -> Iterator[Problem]:
    if trial.score:
        passed = [check for check, outcome in trial.outcomes.items() if outcome == "passed"]
        yield _error(
            f"{folder}/grader",
            f"An empty submission scores {trial.score}: {', '.join(passed)} pass without a "
            "service.",
            "Make these checks ask the service something.",
        )


def _wrong(folder: str, meta: AssignmentFile, trial: Trial, wrong: WrongFile) -> Iterator[Problem]:
    file = f"{folder}/wrong/{trial.name}/wrong.yaml"
    if trial.status != "completed":
        message = f"The solution did not finish: {trial.status}. {trial.detail[:500]}".strip()
        remedy = "A misconception is shown by a service that runs; mend what stops it."
        yield _error(file, message, remedy)
        return
    failing = set(trial.failing)
    must, may = set(wrong.must_fail), set(wrong.may_fail)
    unreached = {check for check, outcome in trial.outcomes.items() if outcome == "not_reached"}
    for check_id in _in_order(meta, must - failing):
        if check_id in unreached:
            message = f"`{check_id}` must fail, and was not reached."
            remedy = "Another check failed before it: name that one, or loosen `requires`."
        else:
            message = f"`{check_id}` must fail, and passed."
            remedy = "The check does not see this misconception: sharpen it."
        yield _error(file, message, remedy)
    for check_id in _in_order(meta, failing - must - may):
        yield _error(
            file,
            f"`{check_id}` failed, though it is about something else "
            f"({trial.messages.get(check_id, '')})",
            "Make the check rely on less, or name it under `must_fail` if the blame is just.",
        )
    explained = failing | (unreached & set(wrong.not_reached))
    for check_id in _in_order(meta, unreached):
        if check_id not in explained | follows(meta, explained):
            message = f"`{check_id}` was not reached, and nothing that it requires failed."
            remedy = "List it under `not_reached` with a reason, or find out why."
            yield _error(file, message, remedy)
            explained.add(check_id)
    for check_id in _in_order(meta, follows(meta, failing) - unreached):
        message = f"`{check_id}` ran, though what it requires did not pass."
        yield _error(file, message, "Only the sandbox can do this: please report it.")
    for check_id, words in wrong.words.items():
        said = trial.messages.get(check_id, "")
        if check_id in failing and words not in said:
            yield _error(
                file,
                f"The message of `{check_id}` does not say {words!r}, but: {said}",
                "Correct `words`, or the message: it is what the learner reads.",
            )


def _unproved(assignment: AssignmentContent, proof: AssignmentProof) -> Iterator[Problem]:
    for check in assignment.meta.checks:
        if not proof.proved_by(check.id):
            yield Problem(
                assignment.file,
                assignment.check_lines.get(check.id, 0),
                "error",
                f"Nobody fails `{check.id}`, so nothing shows that it can fail.",
                "Add a wrong solution with the misconception that it is there to find.",
            )


def _fault(folder: str, trial: Trial) -> Problem:
    message = f"{trial.label} (seed {trial.seed}): {trial.fault}"
    if trial.status == "infrastructure_error":
        return _error(f"{folder}/grader", message, "See `./dev doctor`, then try again.")
    remedy = "A check may end with CheckFailed only: guard what comes from the service."
    return _error(f"{folder}/grader", message, remedy)


def _in_order(meta: AssignmentFile, ids: set[str]) -> list[str]:
    return [check.id for check in meta.checks if check.id in ids]


def _error(file: str, message: str, remedy: str) -> Problem:
    return Problem(file, 0, "error", message, remedy)
