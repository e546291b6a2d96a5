"""Running one job in a test, and reading what it left."""

from typing import Any

from backpath.grading.jobs import JobDecision, run_job
from backpath.grading.models import GradingJob
from tests.grading.fakes import FakeEngine


def run(job: GradingJob, engine: FakeEngine | None = None, worker: str = "w1") -> JobDecision:
    decision = run_job(job_id=job.pk, engine=engine or FakeEngine(), worker_name=worker)
    job.refresh_from_db()
    return decision


def events_of(job: GradingJob) -> list[tuple[str, dict[str, Any]]]:
    return list(job.events.order_by("sequence").values_list("kind", "payload"))
