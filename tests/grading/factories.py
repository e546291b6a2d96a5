"""Rows, bundles and outcomes for tests of grading."""

import io
import itertools
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from backpath.accounts.models import User
from backpath.catalog.blobs import content_store
from backpath.catalog.models import Assignment
from backpath.execution.bundle import Bundle, bundle_from_files
from backpath.execution.outcome import CheckFinished, RunOutcome
from backpath.grading import jobs
from backpath.grading.models import GradingJob, Submission
from backpath.grading.storage import store_archive

_numbers = itertools.count(1)

CHECKS: list[dict[str, Any]] = [
    {"id": "start.health", "title": "GET /health answers", "points": 20, "blocking": True},
    {"id": "read.list", "title": "GET /articles lists", "points": 50, "blocking": False},
    {"id": "read.secret", "title": "Something hidden", "points": 30, "hidden": True},
]
GROUPS = [
    {"id": "start", "title": "Starts", "gate": True},
    {"id": "read", "title": "Reading", "gate": False},
]
LIMITS = {"wall_seconds": 60, "check_seconds": 5, "ready_seconds": 5}


def make_user(**changes: Any) -> User:
    number = next(_numbers)
    username = changes.pop("username", f"learner{number}")
    return User.objects.create_user(
        username=username,
        email=changes.pop("email", f"{username}@example.org"),
        password=changes.pop("password", "correct horse battery"),
        **changes,
    )


def make_tar(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return target.getvalue()


def make_definition(
    *, checks: Sequence[Mapping[str, Any]] = CHECKS, pass_score: int = 80
) -> dict[str, Any]:
    return {
        "groups": GROUPS,
        "checks": [dict(check) for check in checks],
        "limits": LIMITS,
        "pass_score": pass_score,
    }


def make_assignment(
    *,
    kind: str = "project",
    checks: Sequence[Mapping[str, Any]] = CHECKS,
    pass_score: int = 80,
    grader: bytes | None = None,
) -> Assignment:
    number = next(_numbers)
    definition = make_definition(checks=checks, pass_score=pass_score)
    tar = grader or make_tar({"test_all.py": f"# grader {number}\n".encode()})
    return Assignment.objects.create(
        slug=f"assignment-{number}",
        kind=kind,
        code=f"P{number}",
        title=f"Assignment {number}",
        summary="A thing to build.",
        position=number,
        pass_score=pass_score,
        minutes=60,
        definition=definition,
        spec="Build it.",
        spec_html="<p>Build it.</p>",
        render_key="0" * 64,
        content_hash="0" * 64,
        changed_at=timezone.now(),
        grader_hash=content_store().put(tar),
        starter_hash="0" * 64,
    )


def make_bundle(files: Mapping[str, bytes] | None = None) -> Bundle:
    """A bundle; without `files`, one that differs from every other."""
    content = files or {"app.py": f"# version {next(_numbers)}\n".encode()}
    return bundle_from_files([(path, io.BytesIO(data)) for path, data in content.items()])


def make_submission(
    *,
    learner: User | None = None,
    assignment: Assignment | None = None,
    number: int | None = None,
    bundle: Bundle | None = None,
) -> Submission:
    """A stored submission without a job."""
    learner = learner or make_user()
    assignment = assignment or make_assignment()
    bundle = bundle or make_bundle()
    taken = Submission.objects.filter(learner=learner, assignment=assignment).count()
    return Submission.objects.create(
        learner=learner,
        assignment=assignment,
        number=number or taken + 1,
        content_hash=store_archive(bundle.tar),
        size_bytes=sum(file.size for file in bundle.files),
        file_count=len(bundle.files),
        files=[{"path": file.path, "size": file.size} for file in bundle.files],
        source=Submission.Source.ARCHIVE,
    )


def make_job(submission: Submission | None = None, **changes: Any) -> GradingJob:
    """A queued job; `changes` are written over it, state included."""
    job = jobs.request_job(submission or make_submission(), attempt=changes.pop("attempt", 1))
    if changes:
        GradingJob.objects.filter(pk=job.pk).update(**changes)
        job.refresh_from_db()
    return job


def make_check(check_id: str, outcome: str = "passed", **changes: Any) -> CheckFinished:
    facts: dict[str, Any] = {
        "check_id": check_id,
        "outcome": outcome,
        "message": "" if outcome == "passed" else f"{check_id} said no",
        "expected": None,
        "actual": None,
        "duration_ms": 12,
        "exchanges": [],
        "output": "",
    }
    return CheckFinished(**(facts | changes))


def make_exchange(**changes: Any) -> dict[str, Any]:
    return {
        "curl": "curl http://localhost/articles",
        "method": "GET",
        "path": "/articles",
        "status": 200,
        "response_headers": {"content-type": "application/json"},
        "response_body": "[]",
        "elapsed_ms": 3,
        "error": None,
    } | changes


def make_outcome(
    *,
    status: str = "completed",
    checks: Sequence[CheckFinished] | None = None,
    **changes: Any,
) -> RunOutcome:
    """An outcome; by default every check of `CHECKS` passed."""
    facts: dict[str, Any] = {
        "status": status,
        "checks": [make_check(check["id"]) for check in CHECKS] if checks is None else list(checks),
        "detail": "",
        "app_log_tail": "",
        "seed": 7,
        "timings": {"sandbox": 0.4, "app_start": 0.2, "checks": 1.5, "total": 2.1},
        "image_digests": {"app": "sha256:aa", "runner": "sha256:bb"},
        "packages": {"flask": "3.1.0"},
    }
    return RunOutcome(**(facts | changes))
