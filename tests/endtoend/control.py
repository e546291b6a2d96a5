"""Looks into a running site's database, and prepares it: `python -m tests.endtoend.control`.

Reads a JSON line `[command, options]` and answers with one. It is a program of its own, so
that the database of the tests' own process, and its settings, stay out of it.
"""

import json
import sys
import uuid
from collections.abc import Callable
from typing import Any, Final

import django
from django.db import connection

django.setup()

from backpath.accounts.models import User  # noqa: E402 - Django is set up first
from backpath.catalog.models import Assignment  # noqa: E402 - Django is set up first
from backpath.grading.models import GraderHeartbeat, GradingJob, Submission  # noqa: E402 - Django is set up first
from backpath.grading.submissions import submit_bundle  # noqa: E402 - Django is set up first
from backpath.grading.tasks import send_job  # noqa: E402 - Django is set up first
from tests.grading.factories import make_assignment, make_bundle, make_user  # noqa: E402 - Django is set up first


def seed(
    *, slug: str, learner: str = "ada", password: str = "correct horse battery"
) -> dict[str, str]:
    """Make an assignment, and the learner if there is none of the name."""
    assignment = make_assignment()
    Assignment.objects.filter(pk=assignment.pk).update(slug=slug)
    if not User.objects.filter(username=learner).exists():
        make_user(username=learner, password=password)
    return {"slug": slug, "learner": learner, "password": password}


def submit(*, slug: str, script: dict[str, Any], learner: str = "ada") -> str:
    """Hand in files as a learner; returns the submission's id."""
    files = {"grade.json": json.dumps(script).encode(), "app.py": uuid.uuid4().bytes}
    result = submit_bundle(
        learner=User.objects.get(username=learner),
        assignment=Assignment.objects.get(slug=slug),
        bundle=make_bundle(files),
        source=Submission.Source.ARCHIVE,
    )
    return str(result.submission.pk)


def resend(*, submission: str, times: int) -> list[bool]:
    """Send the latest job of a submission again, several times."""
    job = GradingJob.objects.filter(submission=submission).latest("attempt")
    return [send_job(job) for _ in range(times)]


def state(*, submission: str) -> list[dict[str, Any]]:
    """All jobs and reports of a submission, oldest first."""
    jobs = GradingJob.objects.filter(submission=submission).select_related("report")
    return [
        {
            "id": str(job.pk),
            "state": job.state,
            "attempt": job.attempt,
            "error_code": job.error_code,
            "worker": job.worker,
            "claimed_at": job.claimed_at.isoformat() if job.claimed_at else None,
            "reported_at": job.reported_at.isoformat() if job.reported_at else None,
            "verdict": job.report.verdict if hasattr(job, "report") else None,
            "score": job.report.score if hasattr(job, "report") else None,
            "results": job.report.results.count() if hasattr(job, "report") else None,
            "decided": job.events.filter(kind="decided").count(),
        }
        for job in jobs.order_by("attempt")
    ]


def heartbeats() -> list[dict[str, Any]]:
    """Who says to be there."""
    return list(GraderHeartbeat.objects.values("worker", "is_ok", "queues", "message"))


def forget_workers() -> None:
    """Say good-bye for workers that were killed."""
    GraderHeartbeat.objects.all().delete()


COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "seed": seed,
    "submit": submit,
    "resend": resend,
    "state": state,
    "heartbeats": heartbeats,
    "forget_workers": forget_workers,
}


def main() -> None:
    for line in sys.stdin:
        command, options = json.loads(line)
        answer = COMMANDS[command](**options)
        connection.close()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
