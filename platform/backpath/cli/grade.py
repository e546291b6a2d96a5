"""`./dev grade`: one folder or archive through the real sandbox, reported in the terminal."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.text import Text

from backpath.catalog.loader import has_errors, load_content
from backpath.catalog.packages import PackageRefused, grader_tar
from backpath.catalog.tree import AssignmentContent
from backpath.cli.console import CommandFailed
from backpath.cli.images import prepare_sandbox
from backpath.cli.paths import REPOSITORY
from backpath.execution.bundle import Bundle, BundleRefused, bundle_from_files, read_bundle
from backpath.execution.docker_engine import DockerEngine
from backpath.execution.engine import RunEvent, RunRequest
from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.grading.scoring import PlatformFault, Scored, ScoredCheck, score_run

SEED_LIMIT = 2**31
MARKS = {
    "passed": "[green]✓[/green]",
    "failed": "[red]✗[/red]",
    "learner_error": "[red]✗[/red]",
    "timed_out": "[red]✗[/red]",
    "not_reached": "[dim]–[/dim]",
}


def run(
    assignment: Annotated[str, typer.Argument(help="Which assignment, such as articles-rest.")],
    path: Annotated[Path, typer.Argument(help="A folder, a zip or a tar.gz.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEED_LIMIT, help="Repeat a run by its seed.")
    ] = None,
) -> None:
    """The `grade` command. The exit code is 0 whenever a verdict was reached."""
    found = find_assignment(assignment, graders=REPOSITORY / "graders")
    bundle = read_path(path)
    images = prepare_sandbox()
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    engine = DockerEngine.from_settings(owner="terminal", **images)
    chosen = secrets.randbelow(SEED_LIMIT) if seed is None else seed
    request = make_request(
        found, bundle.tar, seed=chosen, job_id=f"terminal-{secrets.token_hex(8)}"
    )
    titles = {check.id: check.title for check in found.meta.checks}
    try:
        outcome = engine.run(
            request,
            on_event=lambda event: _tell(console, event, titles),
            should_stop=lambda: False,
        )
    finally:
        engine.close()
    scored = score_run(request.manifest, outcome)
    if isinstance(scored, PlatformFault):
        raise CommandFailed(
            f"The run broke, and not by the submission's fault ({scored.code}).",
            scored.detail[:4000],
        )
    if as_json:
        print(json.dumps(as_document(scored, outcome, found), ensure_ascii=False, indent=2))
    else:
        show(console, scored, outcome, found)


def find_assignment(slug: str, *, graders: Path) -> AssignmentContent:
    """Return the assignment `slug` below `graders`. Raises CommandFailed."""
    tree, problems = load_content(REPOSITORY / "lessons", graders)
    own = [problem for problem in problems if problem.file.startswith(f"{graders.name}/{slug}/")]
    if has_errors(own):
        raise CommandFailed(
            f"The assignment {slug} has mistakes: {'; '.join(str(problem) for problem in own[:5])}",
            "Mend them, then run ./dev check --fast.",
        )
    found = tree.assignment(slug)
    if found is None:
        known = ", ".join(assignment.slug for assignment in tree.assignments) or "none"
        raise CommandFailed(f"There is no assignment {slug}.", f"There is: {known}.")
    return found


def read_path(path: Path) -> Bundle:
    """Return the files of a folder or an archive, by the rules of an upload.

    Raises CommandFailed, naming the file and the rule it breaks.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        with path.open("rb") as archive:
            return read_bundle(archive, path.name)
    except BundleRefused as refusal:
        raise CommandFailed(f"{path} cannot be handed in: {refusal}") from refusal
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}.") from error


def _read_folder(folder: Path) -> Bundle:
    streams = []
    try:
        for file in sorted(folder.rglob("*")):
            if file.is_symlink():
                name = file.relative_to(folder).as_posix()
                raise BundleRefused("link", name, "Links cannot be handed in.")
            if file.is_file():
                streams.append((file.relative_to(folder).as_posix(), file.open("rb")))
        return bundle_from_files(streams)
    finally:
        for _, stream in streams:
            stream.close()


def make_request(
    assignment: AssignmentContent, submission_tar: bytes, *, seed: int, job_id: str
) -> RunRequest:
    """Return the run of `submission_tar` against the grader of `assignment`."""
    try:
        grader = grader_tar(assignment.directory)
    except PackageRefused as refusal:
        raise CommandFailed(
            f"The grader of {assignment.slug} cannot be packed: {refusal}"
        ) from None
    return RunRequest(
        job_id=job_id,
        submission_tar=submission_tar,
        grader_tar=grader,
        manifest=assignment.meta.model_dump(mode="json"),
        seed=seed,
    )


def as_document(
    scored: Scored, outcome: RunOutcome, assignment: AssignmentContent
) -> dict[str, Any]:
    """Return the result as `--json` prints it."""
    return {
        "assignment": assignment.slug,
        "verdict": scored.verdict,
        "score": scored.score,
        "max_score": scored.max_score,
        "detail": outcome.detail,
        "checks": [
            {
                "id": check.check_id,
                "outcome": check.outcome,
                "points": check.points,
                "max_points": check.max_points,
                "message": check.message,
                "expected": check.expected,
                "actual": check.actual,
                "requests": [exchange["curl"] for exchange in check.exchanges],
                "duration_ms": check.duration_ms,
            }
            for check in scored.checks
        ],
        "seed": outcome.seed,
        "timings": outcome.timings,
        "image_digests": outcome.image_digests,
        "app_log_tail": outcome.app_log_tail,
    }


def _tell(console: Console, event: RunEvent, titles: dict[str, str]) -> None:
    """Print a check as it finishes."""
    if isinstance(event, CheckFinished):
        mark = MARKS.get(event.outcome, "[yellow]![/yellow]")
        title = escape(titles.get(event.check_id, event.check_id))
        console.print(f"  {mark} {title} [dim]{event.duration_ms} ms[/dim]")


def show(
    console: Console, scored: Scored, outcome: RunOutcome, assignment: AssignmentContent
) -> None:
    """Print the report: what failed and why, then the score."""
    checks = {check.id: check for check in assignment.meta.checks}
    for result in scored.checks:
        if result.outcome not in ("passed", "not_reached"):
            _show_failure(console, result)
            definition = checks[result.check_id]
            console.print(Text(f"  Why it matters: {definition.why}"))
            console.print(Text(f"  Read: {definition.lesson}   Hint: {definition.hints[0]}"))
    if scored.verdict in ("errored", "timed_out", "out_of_memory"):
        console.print(f"\n[bold]{escape(outcome.detail)}[/bold]")
        if outcome.app_log_tail:
            console.print(Text(outcome.app_log_tail), style="dim")
    colour = "green" if scored.verdict == "passed" else "red"
    console.print(
        f"\n[bold {colour}]{scored.verdict}[/bold {colour}]  "
        f"[bold]{scored.score}[/bold] of {scored.max_score} points, "
        f"{scored.counts.get('passed', 0)} of {len(scored.checks)} checks, "
        f"{outcome.timings.get('total', 0):.1f} s, seed {outcome.seed}"
    )


def _show_failure(console: Console, result: ScoredCheck) -> None:
    console.print(
        f"\n[red]✗[/red] [bold]{escape(result.title)}[/bold] [dim]{result.check_id}[/dim]"
    )
    console.print(Text(f"  {result.message}"))
    if result.exchanges:
        console.print(Syntax(result.exchanges[-1]["curl"], "bash", background_color="default"))
    if result.expected is not None:
        console.print(Text(f"  expected  {result.expected}", style="green"))
    if result.actual is not None:
        console.print(Text(f"  actual    {result.actual}", style="red"))
    if result.output:
        console.print(Text(result.output, style="dim"))
