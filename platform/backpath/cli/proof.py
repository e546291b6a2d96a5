"""What a proof of a grader found: every run, every problem, and both as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, ConsoleRenderable, Group
from rich.markup import escape
from rich.table import Table

from backpath.catalog.schema import Check, Problem
from backpath.cli.solutions import Kind

# Outcomes that say that the check looked and was not content; `not_reached` is none of them.
FAILING: Final = frozenset({"failed", "learner_error", "timed_out"})


@dataclass(frozen=True)
class Trial:
    """One run of one solution. `outcomes` and `messages` are by check id, in running order of
    the assignment; `fault` is set when the run says nothing about the solution."""

    slug: str
    kind: Kind
    name: str
    run: int
    seed: int
    status: str
    verdict: str
    score: int
    max_score: int
    outcomes: Mapping[str, str]
    messages: Mapping[str, str]
    detail: str
    fault: str
    seconds: float

    @property
    def label(self) -> str:
        """The solution's name for people."""
        return f"{self.kind} {self.name}".strip()

    @property
    def failing(self) -> list[str]:
        """The ids of the checks that failed, in the assignment's order."""
        return [check for check, outcome in self.outcomes.items() if outcome in FAILING]

    def as_json(self) -> dict[str, Any]:
        """Return the trial as JSON values; checks that passed are left out of `outcomes`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "run": self.run,
            "seed": self.seed,
            "status": self.status,
            "verdict": self.verdict,
            "score": self.score,
            "max_score": self.max_score,
            "outcomes": {c: text for c, text in self.outcomes.items() if text != "passed"},
            "fault": self.fault,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class AssignmentProof:
    """The runs of one assignment. `is_partial`: only some of its solutions were asked for."""

    slug: str
    checks: tuple[Check, ...]
    trials: tuple[Trial, ...]
    is_partial: bool

    def proved_by(self, check_id: str) -> list[str]:
        """The starter and the wrong solutions that failed the check."""
        return [
            trial.name or trial.kind
            for trial in self.trials
            if trial.kind in ("starter", "wrong") and trial.outcomes.get(check_id) in FAILING
        ]


@dataclass(frozen=True)
class ProofReport:
    """The proof of one or more assignments; `ok` when nothing is left to mend."""

    assignments: tuple[AssignmentProof, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    @property
    def trials(self) -> list[Trial]:
        return [trial for proof in self.assignments for trial in proof.trials]

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "ok": self.ok,
            "problems": [vars(problem) for problem in self.problems],
            "assignments": [
                {
                    "slug": proof.slug,
                    "is_partial": proof.is_partial,
                    "checks": [
                        {
                            "id": check.id,
                            "points": check.points,
                            "proved_by": proof.proved_by(check.id),
                        }
                        for check in proof.checks
                    ],
                    "solutions": [trial.as_json() for trial in proof.trials],
                }
                for proof in self.assignments
            ],
        }

    def print_to(self, console: Console) -> None:
        """Print the tables of every assignment, then the problems."""
        console.print(Group(*self._renderables()))

    def _renderables(self) -> Iterator[ConsoleRenderable | str]:
        for proof in self.assignments:
            yield _solutions_table(proof)
            yield _checks_table(proof)
        for problem in self.problems:
            place = f"{problem.file}:{problem.line}" if problem.line else problem.file
            yield f"[red]✗[/red] [bold]{escape(place)}[/bold]\n  {escape(problem.message)}"
            yield f"  [dim]{escape(problem.remedy)}[/dim]"
        runs = len(self.trials)
        if self.ok:
            yield f"[green]✓[/green] {runs} runs, nothing to mend."
        else:
            yield f"[red]✗[/red] {runs} runs, {len(self.problems)} to mend."


def _solutions_table(proof: AssignmentProof) -> Table:
    table = Table(title=f"{escape(proof.slug)}: solutions", title_justify="left", expand=False)
    table.add_column("solution")
    table.add_column("score", justify="right")
    table.add_column("s", justify="right")
    table.add_column("failed", overflow="fold")
    for trial in proof.trials:
        failed = ", ".join(trial.failing)
        if trial.fault or trial.status != "completed":
            failed = trial.fault or trial.status.replace("_", " ")
        elif trial.kind == "starter":
            failed = f"{len(trial.failing)} of {len(trial.outcomes)} checks"
        table.add_row(
            escape(trial.label),
            str(trial.score),
            f"{trial.seconds:.1f}",
            escape(failed) or "[green]none[/green]",
        )
    return table


def _checks_table(proof: AssignmentProof) -> Table:
    """Check x solution, as a list of who fails it: most cells of the full grid are empty."""
    table = Table(title=f"{escape(proof.slug)}: checks", title_justify="left", expand=False)
    table.add_column("check", no_wrap=True)
    table.add_column("points", justify="right")
    table.add_column("references", justify="right")
    table.add_column("failed by", overflow="fold")
    references = [trial for trial in proof.trials if trial.kind == "reference"]
    for check in proof.checks:
        passed = sum(trial.outcomes.get(check.id) == "passed" for trial in references)
        proved = ", ".join(proof.proved_by(check.id))
        colour = "green" if passed == len(references) else "red"
        table.add_row(
            escape(check.id),
            str(check.points),
            f"[{colour}]{passed}/{len(references)}[/{colour}]",
            escape(proved) or "[red]nobody[/red]",
        )
    return table
