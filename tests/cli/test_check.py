"""`./dev check` on small checkouts, without a sandbox."""

import json
from pathlib import Path

import pytest
import typer
from rich.console import Console

from backpath.catalog.schema import Problem
from backpath.cli import check
from backpath.cli.check import Findings, check_content, show, solutions_below
from backpath.cli.console import CommandFailed
from tests.catalog.factories import ContentFolder, make_content

FIRST = "lessons/data/04-rest/010-first/lesson.md"
SUITE = "graders/small-api/grader/test_all.py"


@pytest.fixture
def content(tmp_path: Path) -> ContentFolder:
    return make_content(tmp_path)


def shown(findings: Findings) -> str:
    console = Console(width=200, force_terminal=False, record=True, quiet=True)
    console.quiet = False
    with console.capture() as capture:
        show(console, findings)
    return capture.get()


def test_fast_check_reads_the_files_only(content: ContentFolder) -> None:
    findings = check_content(content.root, fast=True)
    assert (findings.lessons, findings.assignments, findings.problems) == (2, 1, [])
    assert (findings.snippets, findings.proof) == (None, None)
    assert shown(findings) == (
        "✓ 2 lessons, 1 assignment, code not run, graders not proved, 0 errors, 0 warnings\n"
    )


def test_errors_in_the_files_stop_the_rest(content: ContentFolder) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    findings = check_content(content.root)
    assert findings.errors == 1
    assert findings.snippets is None
    text = shown(findings)
    assert f"error {FIRST}:" in text
    assert "`minutes`: input should be greater" in text
    assert "Correct the value." in text


def test_a_place_keeps_to_what_lies_there(content: ContentFolder) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    content.edit(SUITE, "read.list", "read.nope")

    def files(below: str) -> set[str]:
        found = check_content(content.root, below=below, fast=True).problems
        return {problem.file for problem in found}

    assert files("lessons") == {FIRST}
    assert files("lessons/data/04-rest/020-second") == set()
    assert files("graders/small-api") == {SUITE, "graders/small-api/assignment.yaml"}
    # A name that only begins alike is another place.
    assert files("graders/small") == set()


def test_json_has_every_problem(
    content: ContentFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    monkeypatch.setattr(check, "REPOSITORY", content.root)
    with pytest.raises(typer.Exit) as end:
        check.run(None, as_json=True, fast=True)
    assert end.value.exit_code == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert document["problems"][0].keys() == {"file", "line", "severity", "message", "remedy"}
    assert document["problems"][0]["file"] == FIRST


def test_places_are_given_as_a_person_would(
    content: ContentFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "REPOSITORY", content.root)
    monkeypatch.chdir(content.module)
    with pytest.raises(typer.Exit) as end:
        check.run(Path("010-first"), fast=True)
    assert end.value.exit_code == 0
    with pytest.raises(CommandFailed, match="There is no 090-nope"):
        check.run(Path("090-nope"), fast=True)
    with pytest.raises(CommandFailed, match="not below lessons/ or graders/"):
        check.run(Path("/etc"), fast=True)


@pytest.mark.parametrize(
    ("place", "only"),
    [
        ("", None),
        ("lessons/data", None),
        ("graders", None),
        ("graders/small-api", None),
        ("graders/small-api/grader/test_all.py", None),
        ("graders/small-api/wrong", ["small-api/wrong"]),
        ("graders/small-api/wrong/forgets/change.patch", ["small-api/wrong/forgets"]),
        ("graders/small-api/reference/flask", ["small-api/reference/flask"]),
        ("graders/small-api/starter/app.py", ["small-api/starter"]),
    ],
)
def test_a_solution_is_proved_by_itself(place: str, only: list[str] | None) -> None:
    assert solutions_below(place) == only


@pytest.mark.parametrize(
    ("is_partial", "said"), [(False, ", graders proved, "), (True, ", graders proved in part, ")]
)
def test_part_of_a_proof_is_not_called_a_proof(is_partial: bool, said: str) -> None:
    proof = {"problems": [], "assignments": [{"is_partial": is_partial}]}
    findings = Findings(lessons=1, assignments=1, problems=[], snippets=0, proof=proof)
    assert said in shown(findings)


def test_problems_are_shown_as_text() -> None:
    problem = Problem("lessons/[bold]x", 3, "warning", "[red]no markup[/red]", "[link]x")
    text = shown(Findings(lessons=1, assignments=0, problems=[problem]))
    assert "warning lessons/[bold]x:3" in text
    assert "[red]no markup[/red]" in text
    assert "1 lesson, 0 assignments" in text
    assert "0 errors, 1 warning\n" in text
