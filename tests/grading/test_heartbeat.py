"""A worker's sign of life."""

import threading
from datetime import timedelta

import pytest
from pytest_django import Settings

from backpath.execution.engine import EngineHealth
from backpath.grading.clock import database_now
from backpath.grading.heartbeat import Pulse, beat, sweep_engine
from backpath.grading.models import GraderHeartbeat, GradingJob
from backpath.grading.selectors import grader_status
from tests.grading.factories import make_job
from tests.grading.fakes import FakeEngine

DOWN = EngineHealth(ok=False, message="No Docker Engine answers.", remedy="Start Docker.")


@pytest.mark.django_db
def test_without_a_worker_no_grader_is_available() -> None:
    status = grader_status("projects")
    assert not status.is_available
    assert status.message == "No worker is running."
    assert "celery" in status.remedy


@pytest.mark.django_db
def test_a_worker_serves_the_queues_it_names() -> None:
    beat(engine=FakeEngine(), worker="w1", queues=["exercises"])
    assert grader_status("exercises").is_available
    assert not grader_status("projects").is_available


@pytest.mark.django_db
def test_a_worker_without_an_engine_says_why() -> None:
    beat(engine=FakeEngine(health=DOWN), worker="w1", queues=["projects"])
    status = grader_status("projects")
    assert (status.is_available, status.message, status.remedy) == (
        False,
        "No Docker Engine answers.",
        "Start Docker.",
    )


@pytest.mark.django_db
def test_one_worker_that_can_is_enough() -> None:
    beat(engine=FakeEngine(), worker="w1", queues=["projects"])
    beat(engine=FakeEngine(health=DOWN), worker="w2", queues=["projects"])
    assert grader_status("projects").is_available


@pytest.mark.django_db
def test_a_worker_that_falls_silent_is_not_counted(settings: Settings) -> None:
    settings.BACKPATH_HEARTBEAT_SECONDS = 10
    beat(engine=FakeEngine(), worker="w1", queues=["projects"])
    GraderHeartbeat.objects.update(seen_at=database_now() - timedelta(seconds=29))
    assert grader_status("projects").is_available
    GraderHeartbeat.objects.update(seen_at=database_now() - timedelta(seconds=31))
    assert not grader_status("projects").is_available


@pytest.mark.django_db
def test_each_worker_has_one_row_and_old_ones_are_forgotten() -> None:
    beat(engine=FakeEngine(), worker="old", queues=[])
    GraderHeartbeat.objects.update(seen_at=database_now() - timedelta(days=2))
    beat(engine=FakeEngine(), worker="new", queues=["projects"])
    beat(engine=FakeEngine(health=DOWN), worker="new", queues=["projects"])
    row = GraderHeartbeat.objects.get()
    assert (row.worker, row.is_ok) == ("new", False)


@pytest.mark.django_db
def test_containers_of_running_jobs_are_spared() -> None:
    running = make_job(state=GradingJob.State.RUNNING)
    make_job()
    make_job(state=GradingJob.State.FINISHED)
    engine = FakeEngine()
    sweep_engine(engine)
    assert engine.sweeps == [(frozenset({str(running.pk)}), 2100)]


@pytest.mark.django_db(transaction=True)
def test_a_pulse_beats_until_it_stops(settings: Settings) -> None:
    settings.BACKPATH_HEARTBEAT_SECONDS = 0.05
    settings.BACKPATH_ENGINE = "tests.grading.fakes.ScriptedEngine"
    pulse = Pulse(worker="w1", queues=["projects"])
    pulse.start()
    for _ in range(100):
        if grader_status("projects").is_available:
            break
        threading.Event().wait(0.05)
    first = GraderHeartbeat.objects.get()
    assert (first.worker, first.queues, first.message) == ("w1", ["projects"], "scripted")
    threading.Event().wait(0.3)
    assert GraderHeartbeat.objects.get().seen_at > first.seen_at
    pulse.stop()
    assert not GraderHeartbeat.objects.exists()
