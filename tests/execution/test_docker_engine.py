"""The Docker engine without and with an Engine to talk to."""

from __future__ import annotations

import gc
import time
import uuid
import warnings
from collections.abc import Callable, Iterator

import docker
import pytest

from backpath.execution import protocol
from backpath.execution.docker_engine import (
    LABEL_CREATED,
    LABEL_JOB,
    LABEL_OWNER,
    DockerEngine,
    SandboxSettings,
    SandboxUnavailable,
)
from tests.sandbox.factories import make_app, make_grader, make_manifest, make_request

GRADER = make_grader("@check('a.one')\ndef test_one(service):\n    pass")


def make_job(job_id: str = "test-none"):
    return make_request(
        app=make_app(), grader=GRADER, manifest=make_manifest(["a.one"]), job_id=job_id
    )


@pytest.fixture
def nowhere(tmp_path) -> Iterator[DockerEngine]:
    """An engine whose socket does not exist."""
    client = docker.DockerClient(base_url=f"unix://{tmp_path}/none.sock", version="1.41")
    yield DockerEngine(SandboxSettings(), client=client)
    client.close()
    # The SDK forgets the socket of a connection that failed; collect it here, where it is known.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_without_an_engine_health_says_so_with_a_remedy(nowhere):
    health = nowhere.health()

    assert not health.ok
    assert "No Docker Engine answers" in health.message
    assert "./dev doctor" in health.remedy


def test_without_an_engine_a_run_is_our_fault_and_no_exception(nowhere):
    outcome = nowhere.run(make_job(), on_event=[].append, should_stop=lambda: False)

    assert outcome.status == "infrastructure_error"
    assert outcome.checks == []


def test_without_an_engine_a_sweep_says_so(nowhere):
    with pytest.raises(SandboxUnavailable):
        nowhere.sweep(job_ids_alive=frozenset(), grace_seconds=0)


@pytest.fixture
def make_engine() -> Iterator[Callable[..., DockerEngine]]:
    """Make engines that are closed afterwards."""
    engines: list[DockerEngine] = []

    def make(**options: str) -> DockerEngine:
        engines.append(DockerEngine.from_settings(**options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_without_the_protocols_schema_no_engine_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(protocol, "SCHEMA_PATH", tmp_path / "none.json")
    protocol._validators.cache_clear()

    with pytest.raises(FileNotFoundError):
        DockerEngine.from_settings()


@pytest.mark.docker
def test_a_missing_image_is_named(make_engine):
    engine = make_engine(runner_image="backpath/no-such-image:1")

    assert "backpath/no-such-image:1" in engine.health().message
    assert "./dev images" in engine.health().remedy
    outcome = engine.run(make_job("test-no-image"), on_event=[].append, should_stop=lambda: False)
    assert outcome.status == "infrastructure_error"
    assert "backpath/no-such-image" in outcome.detail


@pytest.mark.docker
def test_an_unknown_runtime_is_our_fault_and_leaves_nothing(make_engine):
    job_id = f"test-{uuid.uuid4()}"
    engine = make_engine(runtime="no-such-runtime")

    outcome = engine.run(make_job(job_id), on_event=[].append, should_stop=lambda: False)

    assert outcome.status == "infrastructure_error"
    assert "no-such-runtime" in outcome.detail
    client = docker.from_env()
    assert client.containers.list(all=True, filters={"label": f"{LABEL_JOB}={job_id}"}) == []
    client.close()


@pytest.mark.docker
def test_the_sweep_removes_what_no_living_job_owns(make_engine):
    client = docker.from_env()
    image = SandboxSettings().app_image
    run = str(uuid.uuid4())
    old = str(int(time.time()) - 600)
    ids = {
        name: client.api.create_container(
            image, labels={LABEL_JOB: name, LABEL_CREATED: created, LABEL_OWNER: owner}
        )["Id"]
        for name, created, owner in [
            ("dead", old, run),
            ("alive", old, run),
            ("young", str(int(time.time())), run),
            ("of another installation", old, f"{run}-other"),
        ]
    }
    try:
        removed = make_engine(owner=run).sweep(job_ids_alive=frozenset({"alive"}), grace_seconds=60)

        left = {c.id for c in client.containers.list(all=True, filters={"label": LABEL_JOB})}
        assert removed == 1
        assert {name for name, container in ids.items() if container in left} == {
            "alive",
            "young",
            "of another installation",
        }
    finally:
        for container in ids.values():
            try:
                client.api.remove_container(container, force=True)
            except docker.errors.NotFound:
                continue
        client.close()
