"""From an assignment and a submission to what an engine runs."""

from typing import Any

from django.conf import settings

from backpath.catalog.blobs import content_store
from backpath.catalog.models import Assignment
from backpath.execution.engine import RunRequest
from backpath.grading.models import GradingJob
from backpath.grading.storage import load_archive


def definition_of(assignment: Assignment) -> dict[str, Any]:
    """What the assignment's own file says, as a report keeps it: `groups`, `checks`,
    `limits`, `pass_score`."""
    definition: dict[str, Any] = dict(assignment.definition)
    return definition | {"pass_score": assignment.pass_score}


def build_request(job: GradingJob) -> RunRequest:
    """What to run for `job`.

    Raises `StoredFilesLost` or `BlobMissing` when the submitted files or the grader are not
    where they were stored.
    """
    definition = definition_of(job.assignment)
    # The engine must be done before Celery or a sweeper loses patience.
    longest = max(1, settings.BACKPATH_HARD_LIMIT_SECONDS - 120)
    limits = dict(definition.get("limits", {}))
    limits["wall_seconds"] = min(int(limits.get("wall_seconds", longest)), longest)
    return RunRequest(
        job_id=str(job.pk),
        submission_tar=load_archive(job.submission.content_hash),
        grader_tar=content_store().read(job.assignment.grader_hash),
        manifest={
            "checks": definition["checks"],
            "groups": definition["groups"],
            "limits": limits,
        },
        seed=job.seed,
    )
