"""A job whose engine fails: tried again, reported once, and the operator knows why."""

from __future__ import annotations

import gc
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from pytest_django import Settings

from backpath.execution.docker_engine import LABEL_OWNER, DockerEngine, SandboxSettings
from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.outcome import CheckStarted, RunOutcome
from backpath.grading import jobs
from backpath.grading.heartbeat import beat
from backpath.grading.jobs import JobDecision
from backpath.grading.models import GradingJob, Report, Submission
from backpath.grading.selectors import grader_status, submission_state
from backpath.grading.storage import load_archive
from tests.docker_faults import DockerFaults, Fault, docker_faults, no_image, no_space
from tests.grading.factories import make_assignment, make_bundle, make_job, make_submission
from tests.grading.fakes import OnEvent, ShouldStop
from tests.grading.running import events_of, run
from tests.sandbox.factories import LIMITS, make_app, make_grader, make_tar

pytestmark = [
    pytest.mark.docker,
    pytest.mark.django_db,
    # The SDK forgets the socket of a connection that failed.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

State = GradingJob.State
GRADER = make_grader("""
    @check("start.health")
    def test_health(service):
        service.get("/health").expect_status(200)
""")
CHECK = {"id": "start.health", "title": "GET /health answers", "points": 100, "blocking": True}


@dataclass
class Grading:
    """A real engine behind a proxy that can fail."""

    engine: DockerEngine
    faults: DockerFaults


@pytest.fixture
def grading(tmp_path: Path, settings: Settings) -> Iterator[Grading]:
    settings.BACKPATH_RETRY_SECONDS = 0
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 3
    owner = f"test-{uuid.uuid4()}"
    client = docker.DockerClient.from_env()
    with docker_faults(tmp_path) as faults:
        proxied = docker.DockerClient(base_url=faults.url, version="1.41", timeout=20)
        engine = DockerEngine(SandboxSettings(owner=owner), client=proxied)
        try:
            yield Grading(engine, faults)
        finally:
            engine.close()
            label = {"label": f"{LABEL_OWNER}={owner}"}
            left = client.api.containers(all=True, filters=label)
            for entry in left:
                client.api.remove_container(entry["Id"], force=True)
            client.close()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
        assert left == []


@pytest.fixture
def job() -> GradingJob:
    """A job whose submission is right."""
    assignment = make_assignment(checks=[CHECK], grader=make_tar(GRADER))
    assignment.definition["limits"] = dict(LIMITS)
    assignment.save()
    files = {name: str(content).encode() for name, content in make_app().items()}
    return make_job(make_submission(assignment=assignment, bundle=make_bundle(files)))


def retry_of(job: GradingJob) -> GradingJob:
    return GradingJob.objects.get(retry_of=job)


def assert_one_good_report(submission: Submission, last: GradingJob) -> None:
    """The learner has one report, of the last try, and everything that was handed in."""
    report = Report.objects.get()
    assert (report.job, report.verdict, report.score) == (last, "passed", 100)
    assert submission_state(submission).report == report
    assert len(load_archive(submission.content_hash)) > 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (no_space(times=1), "no space left on device"),
        (no_image("backpath/sandbox-app:latest", times=1), "No such image"),
    ],
    ids=["full-disk", "no-image"],
)
def test_a_job_is_tried_again_and_reported_once(
    grading: Grading, job: GradingJob, fault: Fault, reason: str
) -> None:
    with grading.faults.having(fault):
        assert run(job, grading.engine) == JobDecision.CRASHED
    retry = retry_of(job)
    assert run(retry, grading.engine) == JobDecision.FINISHED

    assert (job.state, job.error_code) == (State.CRASHED, "infrastructure-error")
    assert reason in job.error_detail
    assert ("decided", {}) not in events_of(job)
    assert_one_good_report(job.submission, retry)


@dataclass
class RestartedEngine:
    """The engine of a worker whose Docker Engine restarts when the first check begins."""

    grading: Grading

    def health(self) -> EngineHealth:
        """As the engine says."""
        return self.grading.engine.health()

    def run(self, request: RunRequest, *, on_event: OnEvent, should_stop: ShouldStop) -> RunOutcome:
        """Run with an interruption."""

        def interrupted(event: RunEvent) -> None:
            on_event(event)
            if isinstance(event, CheckStarted):
                self.grading.faults.restart(0.5)

        return self.grading.engine.run(request, on_event=interrupted, should_stop=should_stop)


def test_an_engine_that_restarts_in_the_midst_costs_a_try(
    grading: Grading, job: GradingJob
) -> None:
    assert run(job, RestartedEngine(grading)) == JobDecision.CRASHED
    retry = retry_of(job)
    assert run(retry, grading.engine) == JobDecision.FINISHED

    assert job.error_code == "infrastructure-error"
    assert "ended" in job.error_detail or "lost" in job.error_detail
    assert_one_good_report(job.submission, retry)


def test_while_no_engine_answers_jobs_wait_and_operators_know(
    grading: Grading, job: GradingJob
) -> None:
    with grading.faults.away():
        heartbeat = beat(engine=grading.engine, worker="w1", queues=["projects"])
        assert run(job, grading.engine) == JobDecision.NO_ENGINE
        status = grader_status("projects")

    assert not heartbeat.is_ok
    assert "No Docker Engine answers" in heartbeat.message
    assert heartbeat.remedy
    assert (status.is_available, status.message) == (False, heartbeat.message)
    assert (job.state, job.enqueued_at) == (State.QUEUED, None)
    assert beat(engine=grading.engine, worker="w1", queues=["projects"]).is_ok
    assert run(job, grading.engine) == JobDecision.FINISHED
    assert_one_good_report(job.submission, job)


def test_a_disk_that_stays_full_ends_as_our_fault_and_can_be_tried_again(
    grading: Grading, job: GradingJob
) -> None:
    tries = [job]
    with grading.faults.having(no_space()):
        for attempt in range(1, 4):
            assert run(tries[-1], grading.engine) == JobDecision.CRASHED
            assert "no space left on device" in tries[-1].error_detail
            if attempt < 3:
                tries.append(retry_of(tries[-1]))

    assert not Report.objects.exists()
    assert events_of(tries[-1])[-1] == ("decided", {})
    again = jobs.retry_job(job.submission)
    assert run(again, grading.engine) == JobDecision.FINISHED
    assert_one_good_report(job.submission, again)
