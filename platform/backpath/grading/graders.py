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


def expected_manifests() -> list[dict[str, Any]]:
    """What runs of the published assignments ask of a container, each combination once."""
    found: list[dict[str, Any]] = []
    definitions = Assignment.objects.filter(is_published=True).values_list("definition", flat=True)
    for definition in definitions:
        wants = {"limits": definition["limits"], "services": definition.get("services", [])}
        if wants not in found:
            found.append(wants)
    return found


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
            "services": definition.get("services", []),
        },
        seed=job.seed,
    )
