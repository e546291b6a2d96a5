"""The prover must catch every way in which a grader can be wrong."""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from backpath.catalog.loader import load_content
from backpath.cli.proof import ProofReport
from backpath.cli.prove import Progress, prove_all
from backpath.execution.engine import RunRequest
from backpath.execution.outcome import RunOutcome
from tests.graders.factories import (
    make_assignment,
    make_check_entry,
    make_checks,
    make_wrongs,
    write_solution,
)
from tests.graders.fakes import ScriptedEngine, make_run_outcome

Prove = Callable[..., ProofReport]


@pytest.fixture
def graders(tmp_path: Path) -> Path:
    return tmp_path / "graders"


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def prove(graders: Path, engine: ScriptedEngine) -> Prove:
    """Write an assignment and prove it."""

    def prove_one(*, options: dict[str, Any] | None = None, **assignment: Any) -> ProofReport:
        folder = make_assignment(graders, **assignment)
        return prove_all([folder], engine=engine, **(options or {}))

    return prove_one


def messages(report: ProofReport) -> list[str]:
    return [f"{problem.file}: {problem.message}" for problem in report.problems]


def test_a_right_assignment_has_no_problem(prove: Prove, engine: ScriptedEngine) -> None:
    report = prove()
    assert messages(report) == []
    assert report.ok
    assert [trial.label for trial in report.trials] == [
        "reference plain",
        "starter",
        "empty",
        "wrong no-item",
        "wrong no-list",
        "wrong no-zone",
        "wrong silent",
    ]
    assert [trial.score for trial in report.trials] == [100, 10, 0, 40, 70, 80, 0]
    assert len(engine.requests) == 7


def test_a_content_tree_can_be_given(graders: Path, engine: ScriptedEngine) -> None:
    make_assignment(graders)
    tree, _ = load_content(graders.parent / "lessons", graders)
    assert prove_all(tree, engine=engine).ok
    assert prove_all(list(tree.assignments), engine=engine).ok


def test_a_wrong_solution_that_passes_its_check(prove: Prove) -> None:
    report = prove(scripts={"no-list": {}})
    assert messages(report) == [
        "graders/small/wrong/no-list/wrong.yaml: `read.list` must fail, and passed.",
    ]
    assert not report.ok


def test_a_wrong_solution_that_fails_too_much(prove: Prove) -> None:
    both = {"fail": {"read.list": "No list.", "read.times": "No zone."}}
    report = prove(scripts={"no-list": both})
    assert messages(report) == [
        "graders/small/wrong/no-list/wrong.yaml: `read.times` failed, though it is about "
        "something else (No zone.)",
    ]


def test_may_fail_allows_and_does_not_demand(prove: Prove) -> None:
    wrongs = make_wrongs() | {"no-list": {"must_fail": ["read.list"], "may_fail": ["read.times"]}}
    both = {"fail": {"read.list": "No list.", "read.times": "No zone."}}
    assert prove(wrongs=wrongs, scripts={"no-list": both}).ok
    assert prove(wrongs=wrongs).ok


def test_what_follows_from_requires_needs_no_mention(prove: Prove) -> None:
    trial = next(trial for trial in prove().trials if trial.name == "no-item")
    assert trial.outcomes["read.times"] == "not_reached"


def test_a_check_that_is_not_reached_for_no_reason(prove: Prove) -> None:
    script = {"fail": {"read.list": "No list."}, "skip": ["read.item"]}
    report = prove(scripts={"no-list": script})
    assert messages(report) == [
        "graders/small/wrong/no-list/wrong.yaml: `read.item` was not reached, and nothing that "
        "it requires failed.",
    ]


def test_must_fail_behind_another_failure_is_not_reached(prove: Prove) -> None:
    wrongs = make_wrongs() | {"no-item": {"must_fail": ["read.item", "read.times"]}}
    report = prove(wrongs=wrongs)
    assert messages(report) == [
        "graders/small/wrong/no-item/wrong.yaml: `read.times` must fail, and was not reached.",
    ]


def test_words_must_be_in_the_message(prove: Prove) -> None:
    wrongs = make_wrongs()
    wrongs["no-list"]["words"] = {"read.list": "is wrong"}
    wrongs["no-zone"]["words"] = {"read.times": "has no zone"}
    report = prove(wrongs=wrongs)
    assert messages(report) == [
        "graders/small/wrong/no-zone/wrong.yaml: The message of `read.times` does not say "
        "'has no zone', but: read.times is wrong.",
    ]


def test_a_wrong_solution_that_does_not_start(prove: Prove) -> None:
    report = prove(scripts={"no-list": {"status": "app_not_ready"}})
    assert (
        "graders/small/wrong/no-list/wrong.yaml: The solution did not finish: app_not_ready. "
        "It broke."
    ) in messages(report)


def test_a_check_that_nobody_fails(prove: Prove, graders: Path) -> None:
    wrongs = make_wrongs()
    del wrongs["no-list"]
    starter = {"fail": {"read.item": "Not there yet."}}
    report = prove(wrongs=wrongs, starter=starter)
    unproved = [problem for problem in report.problems if "Nobody fails" in problem.message]
    assert [problem.message for problem in unproved] == [
        "Nobody fails `read.list`, so nothing shows that it can fail."
    ]
    line = (graders / "small/assignment.yaml").read_text().splitlines()[unproved[0].line - 1]
    assert "read.list" in line


def test_the_starter_proves_checks_too(prove: Prove) -> None:
    wrongs = make_wrongs()
    del wrongs["no-list"]
    assert prove(wrongs=wrongs).ok


def test_a_starter_that_scores_too_much(prove: Prove) -> None:
    report = prove(starter={"fail": {"read.item": "Not there yet."}})
    assert messages(report) == ["graders/small/starter: The starter scores 40 of 100."]


def test_a_starter_with_exactly_30_percent_is_too_good(prove: Prove) -> None:
    checks = make_checks()
    checks[0]["points"], checks[1]["points"] = 30, 20
    report = prove(checks=checks)
    assert messages(report) == ["graders/small/starter: The starter scores 30 of 100."]


def test_a_starter_that_does_not_start(prove: Prove) -> None:
    report = prove(starter={"status": "app_not_ready"})
    assert messages(report) == [
        "graders/small/starter: The starter does not start: app_not_ready. It broke."
    ]


def test_an_empty_submission_with_points(graders: Path) -> None:
    class Generous(ScriptedEngine):
        def run(self, request: RunRequest, **options: Any) -> RunOutcome:
            outcome = super().run(request, **options)
            if outcome.status != "app_not_ready":
                return outcome
            outcome = super().run(replace_tar(request), **options)
            return make_run_outcome(request, checks=outcome.checks)

    def replace_tar(request: RunRequest) -> RunRequest:
        return RunRequest(**{**vars(request), "submission_tar": first.submission_tar})

    spy = ScriptedEngine()
    folder = make_assignment(graders)
    prove_all([folder], engine=spy, only=["small/starter"])
    first = spy.requests[0]
    report = prove_all([folder], engine=Generous())
    assert messages(report) == [
        "graders/small/grader: An empty submission scores 10: start.health pass without a service."
    ]


def test_a_reference_that_misses_a_check(prove: Prove) -> None:
    report = prove(references={"plain": {"fail": {"read.list": "No list."}}})
    assert messages(report) == [
        "graders/small/reference/plain: The reference does not pass `read.list` (failed: No list.)"
    ]


def test_a_flaky_reference(prove: Prove, engine: ScriptedEngine) -> None:
    script = {"fail": {"read.list": "No list."}, "only_in_run": 2}
    report = prove(references={"plain": script}, options={"runs": 3})
    assert messages(report) == [
        "graders/small/reference/plain: `read.list` is flaky: it did not pass in 1 of 3 runs "
        "(failed: No list.)"
    ]
    assert str(engine.requests[1].seed) in report.problems[0].remedy


def test_a_reference_that_does_not_finish(prove: Prove) -> None:
    report = prove(references={"plain": {"status": "timed_out"}})
    assert messages(report) == [
        "graders/small/reference/plain: The reference did not finish: timed_out. It broke."
    ]


def test_points_that_are_not_100(prove: Prove) -> None:
    checks = make_checks()
    checks[1]["points"] = 45
    found = messages(prove(checks=checks))
    assert "graders/small/assignment.yaml: The points of all checks total 105." in found


def test_a_grader_error_is_nobody_elses_fault(prove: Prove) -> None:
    report = prove(scripts={"no-list": {"error": ["read.list"]}})
    assert len(report.problems) == 1
    assert report.problems[0].file == "graders/small/grader"
    assert "wrong no-list" in report.problems[0].message
    assert "grader-error: read.list" in report.problems[0].message


def test_a_fault_of_the_sandbox_gets_one_more_chance(prove: Prove, engine: ScriptedEngine) -> None:
    script = {"status": "infrastructure_error", "only_in_run": 1}
    assert prove(references={"plain": script}).ok
    assert len(engine.requests) == 8


def test_a_sandbox_that_stays_broken_is_a_problem(prove: Prove) -> None:
    report = prove(references={"plain": {"status": "infrastructure_error"}})
    assert [problem.remedy for problem in report.problems] == [
        "See `./dev doctor`, then try again."
    ]


def test_a_bug_in_the_engine_is_not_swallowed(graders: Path) -> None:
    class Broken(ScriptedEngine):
        def run(self, request: RunRequest, **options: Any) -> RunOutcome:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        prove_all([make_assignment(graders)], engine=Broken(), parallel=2)


@pytest.mark.parametrize("parallel", [1, 4])
def test_every_run_is_reported_once(graders: Path, engine: ScriptedEngine, parallel: int) -> None:
    seen: list[Progress] = []
    folder = make_assignment(graders)
    prove_all([folder], engine=engine, runs=2, parallel=parallel, on_progress=seen.append)
    assert [progress.done for progress in seen] == list(range(1, 9))
    assert {progress.total for progress in seen} == {8}
    labels = [progress.trial.label for progress in seen]
    assert labels.count("reference plain") == 2
    assert len(set(labels)) == 7


def test_one_seed_gives_the_same_runs_again(graders: Path) -> None:
    folder = make_assignment(graders)
    drawn = []
    for seed in (5, 5, 6):
        engine = ScriptedEngine()
        prove_all([folder], engine=engine, runs=2, seed=seed)
        drawn.append([request.seed for request in engine.requests])
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 8


@pytest.mark.parametrize("shuffle", [True, False])
def test_random_order_is_asked_for(graders: Path, engine: ScriptedEngine, shuffle: bool) -> None:
    prove_all([make_assignment(graders)], engine=engine, shuffle=shuffle)
    assert {request.manifest["shuffle"] for request in engine.requests} == {shuffle}


def test_only_some_solutions(graders: Path, engine: ScriptedEngine) -> None:
    folder = make_assignment(graders)
    make_assignment(graders, slug="other")
    folders = [folder, graders / "other"]
    report = prove_all(folders, engine=engine, only=["small/wrong/no-list", "small/starter"])
    assert [trial.label for trial in report.trials] == ["starter", "wrong no-list"]
    assert report.ok, "what only all solutions can prove is left open"
    assert report.assignments[0].is_partial
    assert len(prove_all(folders, engine=engine, only=["small"]).trials) == 7
    assert len(prove_all(folders, engine=engine).trials) == 14


def test_a_misspelt_name_is_a_problem(graders: Path, engine: ScriptedEngine) -> None:
    report = prove_all([make_assignment(graders)], engine=engine, only=["small/wrong/no-lst"])
    assert messages(report) == ["small/wrong/no-lst: There is no such assignment or solution."]
    assert engine.requests == []


def test_a_folder_that_is_not_there(graders: Path, engine: ScriptedEngine) -> None:
    graders.mkdir()
    report = prove_all([graders / "nothing"], engine=engine)
    assert messages(report) == ["graders/nothing/: There is no such folder."]


def test_wrong_solutions_as_patches(graders: Path, engine: ScriptedEngine) -> None:
    wrongs = make_wrongs()
    folder = make_assignment(graders, wrongs=wrongs)
    as_patch(folder, "no-list", {"fail": {"read.list": "read.list is wrong."}})
    report = prove_all([folder], engine=engine)
    assert messages(report) == []
    assert [trial.failing for trial in report.trials if trial.name == "no-list"] == [["read.list"]]


def test_a_patch_that_no_longer_applies(graders: Path, engine: ScriptedEngine) -> None:
    folder = make_assignment(graders)
    as_patch(folder, "no-list", {"fail": {"read.list": "read.list is wrong."}})
    write_solution(folder / "reference/plain", {"new": "content"})
    report = prove_all([folder], engine=engine)
    assert messages(report) == [
        "graders/small/wrong/no-list/change.patch: The lines that this change replaces are not "
        "in the file."
    ]
    assert report.problems[0].line == 3


def as_patch(folder: Path, name: str, script: dict[str, Any]) -> None:
    """Turn a wrong solution into a patch on the reference `plain`."""
    wrong = folder / "wrong" / name
    write_solution(wrong, script)
    old = (folder / "reference/plain/script.json").read_text().splitlines(keepends=True)
    new = (wrong / "script.json").read_text().splitlines(keepends=True)
    patch = difflib.unified_diff(old, new, "a/script.json", "b/script.json")
    (wrong / "change.patch").write_text("".join(patch))
    (wrong / "script.json").unlink()
    (wrong / "Procfile").unlink()
    with (wrong / "wrong.yaml").open("a") as file:
        file.write("base: plain\n")


def test_json_says_everything(prove: Prove) -> None:
    report = prove(scripts={"no-list": {}})
    data = json.loads(json.dumps(report.as_json()))
    assert data["ok"] is False
    assert data["problems"][0]["message"] == "`read.list` must fail, and passed."
    (small,) = data["assignments"]
    assert small["slug"] == "small"
    proved = {check["id"]: check["proved_by"] for check in small["checks"]}
    assert proved == {
        "start.health": ["silent"],
        "read.item": ["starter", "no-item"],
        "read.list": ["starter"],
        "read.times": ["no-zone"],
    }
    solution = next(one for one in small["solutions"] if one["name"] == "no-item")
    assert solution["outcomes"] == {"read.item": "failed", "read.times": "not_reached"}
    assert solution["score"] == 40


def test_the_tables_can_be_read(prove: Prove) -> None:
    checks = [*make_checks()[:3], make_check_entry("read.times", 20, requires=["read.item"])]
    report = prove(checks=checks, scripts={"no-list": {}})
    console = Console(file=io.StringIO(), width=120)
    report.print_to(console)
    text = console.file.getvalue()
    assert "wrong no-item" in text
    assert "starter, no-item" in text
    assert "`read.list` must fail, and passed." in text
    assert "7 runs, 1 to mend" in text
