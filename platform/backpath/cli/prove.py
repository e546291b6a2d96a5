"""Proves that graders are right: the references pass, and every wrong solution fails exactly
what it should.

    prove_all(tree, engine=engine)      run everything, judge it, collect every problem

Solutions run through the same engine and the same scoring as a learner's submission.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

from backpath.catalog.assignment_files import read_assignments
from backpath.catalog.files import ContentFiles
from backpath.catalog.packages import PackageRefused, grader_tar
from backpath.catalog.schema import Problem
from backpath.catalog.tree import AssignmentContent, ContentTree
from backpath.cli.proof import AssignmentProof, ProofReport, Trial
from backpath.cli.proof_rules import judge
from backpath.cli.solutions import Solution, read_solutions
from backpath.execution.engine import Engine, RunRequest
from backpath.grading.scoring import PlatformFault, score_run

_SEED_BITS: Final = 32


@dataclass(frozen=True)
class Progress:
    """`done` of `total` runs are over; `trial` is the last of them."""

    done: int
    total: int
    trial: Trial


@dataclass(frozen=True)
class _Planned:
    """A run to be made."""

    assignment: AssignmentContent
    grader: bytes
    solution: Solution
    run: int
    seed: int
    is_shuffled: bool


def prove_all(
    assignments: ContentTree | Iterable[AssignmentContent | Path],
    *,
    engine: Engine,
    runs: int = 1,
    only: Collection[str] | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    parallel: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
) -> ProofReport:
    """Run every solution of every assignment and judge what came out.

    `assignments` is a content tree, or assignments, or their folders. Each reference runs
    `runs` times, everything else once. `only` names what to run, as `articles-rest`,
    `articles-rest/wrong` or `articles-rest/wrong/put-merges`; when solutions are left out,
    nothing is said about what only the whole can prove. `shuffle` puts groups and checks in
    random order. The same `seed` gives the same values and orders again. `parallel` runs go on
    at a time. `on_progress` is called in the caller's thread.
    """
    seeds = random.Random(seed)  # noqa: S311 - test values, no secrets
    found, problems = _contents_of(assignments)
    plans: list[_Planned] = []
    proved: list[tuple[AssignmentContent, bool]] = []
    known: set[str] = set()
    for assignment in found:
        if not _is_wanted(assignment.slug, only):
            continue
        solutions, unbuilt = read_solutions(assignment)
        problems += unbuilt
        known |= {solution.path for solution in solutions}
        known |= {f"{assignment.slug}/wrong/{wrong.name}" for wrong in assignment.wrong}
        try:
            grader = grader_tar(assignment.directory)
        except PackageRefused as refused:
            problems.append(Problem(assignment.file, 0, "error", str(refused), "Mend the folder."))
            continue
        wanted = [solution for solution in solutions if _is_named(solution.path, only)]
        plans += [
            _Planned(assignment, grader, solution, run, seeds.getrandbits(_SEED_BITS), shuffle)
            for solution in wanted
            for run in range(1, (runs if solution.kind == "reference" else 1) + 1)
        ]
        proved.append((assignment, bool(unbuilt) or len(wanted) < len(solutions)))
    for name in only or ():
        if not any(_is_named(path, [name]) for path in known):
            # A misspelt name must not pass for a proof.
            remedy = "Names are `slug`, `slug/kind` or `slug/kind/name`."
            message = "There is no such assignment or solution."
            problems.append(Problem(name, 0, "error", message, remedy))
    trials = _run_plans(plans, engine, parallel, on_progress)
    proofs = []
    for assignment, is_partial in proved:
        own = tuple(trial for trial in trials if trial.slug == assignment.slug)
        proof = AssignmentProof(assignment.slug, tuple(assignment.meta.checks), own, is_partial)
        proofs.append(proof)
        problems += judge(assignment, proof)
    return ProofReport(tuple(proofs), tuple(sorted(set(problems))))


def _contents_of(
    source: ContentTree | Iterable[AssignmentContent | Path],
) -> tuple[list[AssignmentContent], list[Problem]]:
    if isinstance(source, ContentTree):
        return list(source.assignments), []
    found: list[AssignmentContent] = []
    problems: list[Problem] = []
    for one in source:
        if isinstance(one, AssignmentContent):
            found.append(one)
            continue
        folder = one.absolute()
        files = ContentFiles(folder.parent)
        found += [other for other in read_assignments(files) if other.slug == folder.name]
        mine = f"{folder.parent.name}/{folder.name}/"
        problems += [problem for problem in files.problems if problem.file.startswith(mine)]
        if not folder.is_dir():
            message = "There is no such folder."
            problems.append(Problem(mine, 0, "error", message, "Name an assignment's folder."))
    return found, problems


def _is_wanted(slug: str, only: Collection[str] | None) -> bool:
    return only is None or any(name.split("/")[0] == slug for name in only)


def _is_named(path: str, only: Collection[str] | None) -> bool:
    return only is None or any(f"{path}/".startswith(f"{name}/") for name in only)


def _run_plans(
    plans: list[_Planned],
    engine: Engine,
    parallel: int,
    on_progress: Callable[[Progress], None] | None,
) -> list[Trial]:
    """Return the trial of each plan; whatever ends this early also ends the runs under way."""
    stop = Event()
    done = 0
    with ThreadPoolExecutor(max_workers=max(1, parallel), thread_name_prefix="prove") as pool:
        futures = [pool.submit(_run_plan, plan, engine, stop) for plan in plans]
        try:
            for future in as_completed(futures):
                trial = future.result()
                done += 1
                if on_progress is not None:
                    on_progress(Progress(done, len(plans), trial))
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _run_plan(plan: _Planned, engine: Engine, stop: Event) -> Trial:
    """Run one solution; a fault of the sandbox gets one more chance, as in grading."""
    trial = _run_once(plan, engine, stop)
    if trial.fault and trial.status == "infrastructure_error" and not stop.is_set():
        trial = _run_once(plan, engine, stop)
    return trial


def _run_once(plan: _Planned, engine: Engine, stop: Event) -> Trial:
    meta, solution = plan.assignment.meta, plan.solution
    definition = meta.model_dump(mode="json")
    manifest: dict[str, Any] = {
        "checks": definition["checks"],
        "groups": definition["groups"],
        "limits": definition["limits"],
        "services": definition["services"],
        "shuffle": plan.is_shuffled,
    }
    request = RunRequest(
        job_id=f"prove-{uuid.uuid4()}",
        submission_tar=solution.tar,
        grader_tar=plan.grader,
        manifest=manifest,
        seed=plan.seed,
    )
    started = time.monotonic()
    outcome = engine.run(request, on_event=lambda _event: None, should_stop=stop.is_set)
    seconds = time.monotonic() - started
    scored = score_run(definition, outcome)
    facts: dict[str, Any] = {
        "slug": solution.slug,
        "kind": solution.kind,
        "name": solution.name,
        "run": plan.run,
        "seed": plan.seed,
        "status": outcome.status,
        "detail": outcome.detail,
        "seconds": seconds,
    }
    if isinstance(scored, PlatformFault):
        outcomes = {check.check_id: check.outcome for check in outcome.checks}
        messages = {check.check_id: check.message for check in outcome.checks}
        return Trial(
            **facts,
            verdict="",
            score=0,
            max_score=sum(check.points for check in meta.checks),
            outcomes=outcomes,
            messages=messages,
            fault=f"{scored.code}: {scored.detail}",
        )
    return Trial(
        **facts,
        verdict=scored.verdict,
        score=scored.score,
        max_score=scored.max_score,
        outcomes={check.check_id: check.outcome for check in scored.checks},
        messages={check.check_id: check.message for check in scored.checks},
        fault="",
    )
