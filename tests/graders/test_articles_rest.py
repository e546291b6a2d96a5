"""The project Articles API, proved through the real sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backpath.catalog.assignment_files import read_assignments
from backpath.catalog.files import ContentFiles
from backpath.catalog.tree import AssignmentContent
from backpath.cli.proof import ProofReport
from backpath.cli.prove import prove_all
from backpath.execution.docker_engine import DockerEngine

FOLDER = Path(__file__).parents[2] / "graders" / "articles-rest"
MOST_HINT_WORDS = 160
HOLLOW_WORDS = re.compile(r"\b(just|simply|obvious(ly)?|easy|easily|of course)\b", re.IGNORECASE)


@pytest.fixture(scope="session")
def assignment() -> AssignmentContent:
    files = ContentFiles(FOLDER.parent)
    (found,) = [one for one in read_assignments(files) if one.slug == FOLDER.name]
    return found


def test_spec_and_assignment_agree_on_points(assignment: AssignmentContent) -> None:
    rows = re.findall(r"^\| ([A-Z][a-z ]+) \| (\d+) \|", assignment.spec, re.MULTILINE)
    told = {title: int(points) for title, points in rows}
    real = {
        group.title: sum(c.points for c in assignment.meta.checks if c.group == group.id)
        for group in assignment.meta.groups
    }
    assert told == real
    assert sum(real.values()) == 100


def test_there_are_enough_checks_and_wrong_solutions(assignment: AssignmentContent) -> None:
    assert len(assignment.meta.checks) >= 36
    assert len(assignment.wrong) >= 9
    assert assignment.meta.solutions.reference == ["flask", "fastapi", "ninja"]


def test_every_check_is_the_aim_of_a_wrong_solution(assignment: AssignmentContent) -> None:
    aimed_at = {check_id for wrong in assignment.wrong for check_id in wrong.meta.must_fail}
    assert {check.id for check in assignment.meta.checks} - aimed_at == set()


def test_hints_are_short_and_kind(assignment: AssignmentContent) -> None:
    for check in assignment.meta.checks:
        words = sum(len(hint.split()) for hint in check.hints)
        assert words <= MOST_HINT_WORDS, check.id
        for text in (check.title, check.why, *check.hints):
            assert not HOLLOW_WORDS.search(text), f"{check.id}: {text}"


def test_messages_of_the_suite_are_kind_too() -> None:
    for path in FOLDER.rglob("grader/*.py"):
        for found in re.findall(r'"([^"\n]*)"', path.read_text(encoding="utf-8")):
            assert not HOLLOW_WORDS.search(found), f"{path.name}: {found}"


@pytest.fixture(scope="session")
def report() -> Iterator[ProofReport]:
    """Every solution run once, in random order."""
    engine = DockerEngine.from_settings()
    health = engine.health()
    assert health.ok, f"{health.message} {health.remedy}"
    try:
        yield prove_all([FOLDER], engine=engine, shuffle=True, parallel=2)
    finally:
        engine.close()


@pytest.mark.docker
def test_the_grader_is_proved(report: ProofReport) -> None:
    assert [str(problem) for problem in report.problems] == []
    assert not report.assignments[0].is_partial


@pytest.mark.docker
def test_references_get_all_points_and_others_do_not(report: ProofReport) -> None:
    scores = {trial.label: trial.score for trial in report.trials}
    assert [scores[f"reference {name}"] for name in ("flask", "fastapi", "ninja")] == [100] * 3
    assert scores["starter"] < 30
    assert scores["empty"] == 0
    wrong = {label: score for label, score in scores.items() if label.startswith("wrong ")}
    assert len(wrong) >= 9
    assert max(wrong.values()) < 100


@pytest.mark.docker
def test_a_submission_that_does_not_start_says_why(report: ProofReport) -> None:
    (empty,) = [trial for trial in report.trials if trial.kind == "empty"]
    assert empty.status == "app_not_ready"
    assert empty.verdict == "errored"
    assert "Procfile" in empty.detail
