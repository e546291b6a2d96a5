"""`./dev check`: everything that authors wrote, checked.

1. The files: every mistake at once, with file and line (`catalog.loader`).
2. The code of lessons, run in a sandbox (`snippet_check`).
3. The graders, proved by their references and wrong solutions (`prove`).

`--fast` stops after the files, which needs no Docker Engine. A path below lessons/ or
graders/ keeps to what lies there.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from backpath.catalog.loader import has_errors, load_content
from backpath.catalog.schema import Problem
from backpath.catalog.tree import ContentTree
from backpath.cli.console import CommandFailed, progress
from backpath.cli.paths import REPOSITORY
from backpath.cli.snippet_check import check_snippets, snippets_of

PROOF_RUNS = 3


@dataclass
class Findings:
    """What a check found. `proof` is the JSON of the graders' proof; None when not run."""

    lessons: int
    assignments: int
    problems: list[Problem]
    snippets: int | None = None
    proof: dict[str, Any] | None = None
    show_proof: Callable[[Console], None] | None = field(default=None, repr=False)

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.errors,
            "lessons": self.lessons,
            "assignments": self.assignments,
            "snippets": self.snippets,
            "problems": [vars(problem) for problem in self.problems],
            "proof": self.proof,
        }


def run(
    path: Annotated[
        Path | None, typer.Argument(help="A file or folder below lessons/ or graders/.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Only read the files.")] = False,
) -> None:
    """The `check` command. The exit code is 1 when there is an error."""
    findings = check_content(REPOSITORY, below=_place(path), fast=fast)
    if as_json:
        print(json.dumps(findings.as_json(), ensure_ascii=False, indent=2))
    else:
        show(Console(highlight=False, soft_wrap=True), findings)
    raise typer.Exit(1 if findings.errors else 0)


def _place(path: Path | None) -> str:
    """`path` relative to the repository, as problems name files; "" for everything."""
    if path is None:
        return ""
    found = path.resolve()
    for folder in ("lessons", "graders"):
        root = REPOSITORY / folder
        if found.is_relative_to(root):
            if not found.exists():
                raise CommandFailed(f"There is no {path}.", "Name a file or folder that exists.")
            return found.relative_to(REPOSITORY).as_posix()
    raise CommandFailed(
        f"{path} is not below lessons/ or graders/ of this checkout.",
        "Name a lesson, a module, a path or an assignment, or nothing to check everything.",
    )


def check_content(root: Path, *, below: str = "", fast: bool = False) -> Findings:
    """Check the content of the checkout at `root`, or the part `below` a place in it.

    Code and graders run only when the files have no error: an error there would be found
    again, later and less clearly. Raises CommandFailed when the sandbox is not to be had.
    """
    tree, problems = load_content(root / "lessons", root / "graders")
    findings = Findings(
        lessons=len(list(tree.lessons())),
        assignments=len(tree.assignments),
        problems=[problem for problem in problems if _is_below(problem.file, below)],
    )
    if fast or has_errors(findings.problems):
        return findings
    _run_snippets(tree, findings, below)
    _prove_graders(tree, findings, below)
    return findings


def _is_below(file: str, place: str) -> bool:
    return not place or file == place or file.startswith(f"{place}/")


def _run_snippets(tree: ContentTree, findings: Findings, below: str) -> None:
    wanted = [snippet for snippet in snippets_of(tree) if _is_below(snippet.file, below)]
    findings.snippets = len(wanted)
    if not wanted:
        return
    # Loaded when needed: reading files must not need the Docker SDK.
    from backpath.cli.images import prepare_sandbox  # noqa: PLC0415 - --fast needs no Docker
    from backpath.execution.docker_engine import SandboxSettings, SandboxUnavailable  # noqa: PLC0415 - --fast needs no Docker
    from backpath.execution.snippets import SnippetRunner  # noqa: PLC0415 - --fast needs no Docker

    images = prepare_sandbox()
    settings = SandboxSettings(app_image=images["app_image"], runner_image=images["runner_image"])
    try:
        with (
            progress("Running the code of the lessons") as step,
            SnippetRunner(image=settings.app_image, runtime=settings.runtime) as runner,
        ):

            def tell(snippet: Any) -> None:
                step.detail = f"{snippet.file}:{snippet.fence.line}"

            findings.problems += check_snippets(wanted, runner.run_python, on_done=tell)
    except SandboxUnavailable as error:
        raise CommandFailed(
            str(error), "Build the images with ./dev images, then again."
        ) from error


def _prove_graders(tree: ContentTree, findings: Findings, below: str) -> None:
    wanted = [
        assignment
        for assignment in tree.assignments
        if _overlaps(assignment.file.rpartition("/")[0], below)
    ]
    if not wanted:
        return
    from backpath.cli.images import prepare_sandbox  # noqa: PLC0415 - --fast needs no Docker
    from backpath.cli.prove import Progress, prove_all  # noqa: PLC0415 - --fast needs no Docker
    from backpath.execution.docker_engine import DockerEngine  # noqa: PLC0415 - --fast needs no Docker

    engine = DockerEngine.from_settings(owner="terminal", **prepare_sandbox())
    try:
        with progress("Proving the graders") as step:

            def tell(news: Progress) -> None:
                step.detail = f"{news.done} of {news.total}: {news.trial.label}"

            report = prove_all(
                wanted,
                engine=engine,
                only=solutions_below(below),
                runs=PROOF_RUNS,
                shuffle=True,
                parallel=2,
                on_progress=tell,
            )
    finally:
        engine.close()
    findings.problems += report.problems
    findings.proof = report.as_json()
    findings.show_proof = report.print_to


def solutions_below(place: str) -> list[str] | None:
    """What to prove, as `prove_all` names it: `graders/x/wrong/y/…` is `x/wrong/y`.

    None stands for all: a place among the lessons, in no assignment, or in what every
    solution meets (the definition, the suite).
    """
    _, *parts = place.split("/")
    if len(parts) < 2 or parts[1] not in {"reference", "starter", "wrong"}:
        return None
    return ["/".join(parts[:2] if parts[1] == "starter" else parts[:3])]


def _overlaps(folder: str, place: str) -> bool:
    return _is_below(folder, place) or place.startswith(f"{folder}/")


def show(console: Console, findings: Findings) -> None:
    """Print the findings for people, the most telling last."""
    if findings.show_proof is not None:
        findings.show_proof(console)
    for problem in _without_repeats(findings):
        colour = "red" if problem.severity == "error" else "yellow"
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        console.print(f"[{colour}]{problem.severity}[/{colour}] [bold]{escape(place)}[/bold]")
        console.print(f"  {escape(problem.message)}")
        console.print(f"  [dim]{escape(problem.remedy)}[/dim]")
    warnings = len(findings.problems) - findings.errors
    parts = [
        _count(findings.lessons, "lesson"),
        _count(findings.assignments, "assignment"),
        "code not run" if findings.snippets is None else _count(findings.snippets, "snippet"),
        _proved(findings.proof),
        _count(findings.errors, "error"),
        _count(warnings, "warning"),
    ]
    mark = "[red]✗[/red]" if findings.errors else "[green]✓[/green]"
    console.print(f"{mark} {', '.join(parts)}")


def _proved(proof: dict[str, Any] | None) -> str:
    if proof is None:
        return "graders not proved"
    is_partial = any(assignment["is_partial"] for assignment in proof["assignments"])
    return "graders proved in part" if is_partial else "graders proved"


def _without_repeats(findings: Findings) -> Iterable[Problem]:
    """What the proof's own table has not shown."""
    shown = (findings.proof or {}).get("problems", [])
    return [problem for problem in findings.problems if vars(problem) not in shown]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    typer.run(run)
