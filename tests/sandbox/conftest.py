"""Runs in the real sandbox."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from backpath.execution.docker_engine import LABEL_JOB, DockerEngine
from backpath.execution.engine import RunEvent
from backpath.execution.outcome import CheckFinished, RunOutcome
from tests.sandbox.factories import make_manifest, make_request

# The attacks and the suites they are graded by are material for the sandbox: nothing of them may
# ever be imported here, least of all by pytest.
collect_ignore_glob = ["attacks/*"]

Run = Callable[..., RunOutcome]


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """The Docker engine; the set-up of the tests has built its images."""
    engine = DockerEngine.from_settings(
        owner=f"tests-{uuid.uuid4().hex[:12]}",
        # Another one that this Engine knows, such as runsc.
        runtime=os.environ.get("BACKPATH_TEST_RUNTIME", "runc"),
    )
    health = engine.health()
    assert health.ok, f"{health.message} {health.remedy}"
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    client = docker.DockerClient.from_env()
    yield client
    client.close()


@pytest.fixture
def job_id() -> str:
    return f"test-{uuid.uuid4()}"


@pytest.fixture
def events() -> list[RunEvent]:
    return []


@pytest.fixture
def run(
    engine: DockerEngine,
    docker_client: docker.DockerClient,
    job_id: str,
    events: list[RunEvent],
) -> Run:
    """Run one app against one grader; afterwards nothing of the job may be left."""

    def run_once(
        app: dict[str, Any], grader: dict[str, Any], check_ids: list[str], **options: Any
    ) -> RunOutcome:
        request = make_request(
            app=app,
            grader=grader,
            manifest=make_manifest(check_ids, **options),
            job_id=job_id,
            seed=options.get("seed", 7),
        )
        outcome = engine.run(request, on_event=events.append, should_stop=lambda: False)
        engine.settle()
        left = docker_client.containers.list(all=True, filters={"label": f"{LABEL_JOB}={job_id}"})
        assert left == []
        return outcome

    return run_once


def by_id(outcome: RunOutcome) -> dict[str, CheckFinished]:
    """The checks of `outcome` by id."""
    return {check.check_id: check for check in outcome.checks}
