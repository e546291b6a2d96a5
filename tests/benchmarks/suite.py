"""The ten checks of the benchmark: the same work for a grader, for httpx and for a test client."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backpath.catalog.loader import has_errors, load_content
from backpath.catalog.packages import grader_tar
from backpath.cli.console import CommandFailed
from backpath.cli.grade import read_path
from backpath.execution.engine import RunRequest

FOLDER: Final = Path(__file__).parent / "sandbox"
SLUG: Final = "shelf"
CHECKS: Final = 10
_WRONG: Final = "base: fastapi\nwhy: It keeps nothing.\nmust_fail: [books.read]\n"
_PATCH: Final = (
    "--- a/main.py\n+++ b/main.py\n@@ -1 +1 @@\n"
    '-"""A shelf of books, kept in memory."""\n+"""A shelf of books, kept nowhere."""\n'
)


@dataclass(frozen=True)
class Content:
    """A site's content with the benchmark's assignment alone."""

    lessons: Path
    graders: Path

    @property
    def assignment(self) -> Path:
        return self.graders / SLUG


def write_content(root: Path) -> Content:
    """Lay out lessons and graders below `root`, as a site reads them. Raises CommandFailed."""
    content = Content(root / "lessons", root / "graders")
    shutil.copytree(FOLDER / "lessons", content.lessons)
    shelf = content.assignment
    for name, source in {
        "grader": "grader",
        "public": "bare",
        "reference/fastapi": "app",
        "starter": "app",
    }.items():
        shutil.copytree(FOLDER / source, shelf / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assignment.yaml", "spec.md"):
        shutil.copyfile(FOLDER / name, shelf / name)
    wrong = shelf / "wrong" / "keeps-nothing"
    wrong.mkdir(parents=True)
    (wrong / "wrong.yaml").write_text(_WRONG)
    (wrong / "change.patch").write_text(_PATCH)
    _, problems = load_content(content.lessons, content.graders)
    if has_errors(problems):
        raise CommandFailed(
            "The benchmark's own assignment has mistakes.",
            "Mend tests/benchmarks/sandbox.",
            said="\n".join(str(problem) for problem in problems),
        )
    return content


@dataclass(frozen=True)
class Job:
    """What every run of ours is made from; `manifest` also holds `pass_score`."""

    submission_tar: bytes
    grader_tar: bytes
    manifest: dict[str, Any]

    def request(self, job_id: str, *, seed: int = 7) -> RunRequest:
        """Return one run of it."""
        return RunRequest(
            job_id=job_id,
            submission_tar=self.submission_tar,
            grader_tar=self.grader_tar,
            manifest=self.manifest,
            seed=seed,
        )


def read_job(content: Content) -> Job:
    """Return the reference solution with its grader."""
    tree, _ = load_content(content.lessons, content.graders)
    assignment = tree.assignment(SLUG)
    if assignment is None:
        raise CommandFailed("The benchmark's own assignment is missing.")
    return Job(
        submission_tar=read_path(FOLDER / "app").tar,
        grader_tar=grader_tar(content.assignment),
        manifest=assignment.meta.model_dump(mode="json"),
    )


def make_job() -> Job:
    """Return the job of the benchmark. Raises CommandFailed."""
    with tempfile.TemporaryDirectory(prefix="backpath-bench-content-") as folder:
        return read_job(write_content(Path(folder) / "content"))


def write_project(target: Path, suite: str) -> Path:
    """Lay out the app with one of the suites `bare` or `inprocess`, as a developer has them.

    It lies outside the checkout: neither its pytest settings nor its conftest have a say.
    """
    target.mkdir(parents=True)
    shutil.copyfile(FOLDER / "app" / "main.py", target / "main.py")
    shutil.copyfile(FOLDER / suite / "test_checks.py", target / "test_checks.py")
    return target
