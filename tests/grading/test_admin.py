"""What operators see and do."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from backpath.accounts.models import User
from backpath.execution.outcome import LimitHit
from backpath.grading.clock import database_now
from backpath.grading.heartbeat import beat
from backpath.grading.jobs import run_job
from backpath.grading.models import GradingJob, Report
from tests.grading.factories import make_job, make_outcome, make_user
from tests.grading.fakes import FakeEngine

pytestmark = pytest.mark.django_db
State = GradingJob.State
JOBS = "admin:grading_gradingjob_changelist"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def act(client: Client, action: str, *jobs: GradingJob) -> str:
    response = client.post(
        reverse(JOBS),
        {"action": action, "_selected_action": [str(job.pk) for job in jobs]},
        follow=True,
    )
    assert response.status_code == 200
    return response.content.decode()


def test_every_page_opens(operator: Client) -> None:
    job = make_job()
    run_job(job_id=job.pk, engine=FakeEngine(), worker_name="w")
    heartbeat = beat(engine=FakeEngine(), worker="w", queues=["projects"])
    for name, key in [
        ("submission", job.submission_id),
        ("gradingjob", job.pk),
        ("report", Report.objects.get().pk),
        ("graderheartbeat", heartbeat.pk),
    ]:
        listed = operator.get(reverse(f"admin:grading_{name}_changelist"))
        assert listed.status_code == 200
        shown = operator.get(reverse(f"admin:grading_{name}_change", args=[key]))
        assert shown.status_code == 200
        added = operator.get(reverse(f"admin:grading_{name}_add"))
        assert added.status_code == 403


def test_history_cannot_be_edited(operator: Client) -> None:
    job = make_job()
    run_job(job_id=job.pk, engine=FakeEngine(), worker_name="w")
    report = Report.objects.get()
    url = reverse("admin:grading_report_change", args=[report.pk])
    assert operator.post(url, {"score": 1, "verdict": "failed"}).status_code == 403
    report.refresh_from_db()
    assert (report.score, report.verdict) == (100, "passed")


def test_reports_are_found_by_their_limit_and_their_origin(operator: Client) -> None:
    limits = {
        "none": None,
        "memory": LimitHit("memory", 512.0, None, "MiB"),
        "disk": LimitHit("disk", 128.0, 127.0, "MiB"),
    }
    reports = {}
    for name, limit in limits.items():
        job = make_job()
        origin = "warm" if name == "disk" else "cold"
        engine = FakeEngine(make_outcome(limit=limit, origin=origin))
        run_job(job_id=job.pk, engine=engine, worker_name="w")
        reports[name] = Report.objects.get(job=job)

    def listed(**query: str) -> set[str]:
        page = operator.get(reverse("admin:grading_report_changelist"), query).content.decode()
        return {name for name, report in reports.items() if str(report.job_id) in page}

    assert listed() == {"none", "memory", "disk"}
    assert listed(limit="any") == {"memory", "disk"}
    assert listed(limit="memory") == {"memory"}
    assert listed(origin__exact="warm") == {"disk"}
    page = operator.get(reverse("admin:grading_report_changelist")).content.decode()
    assert "disk space: 127 of 128 MB" in page
    assert "memory: ? of 512 MB" in page


def test_stuck_jobs_are_listed(operator: Client) -> None:
    stuck = make_job(state=State.RUNNING, lease_expires_at=database_now() - timedelta(seconds=1))
    fine = make_job()
    page = operator.get(reverse(JOBS), {"stuck": "yes"}).content.decode()
    assert str(stuck.pk) in page
    assert str(fine.pk) not in page
    page = operator.get(reverse(JOBS)).content.decode()
    assert str(fine.pk) in page


def test_a_crashed_job_is_run_again(operator: Client) -> None:
    crashed, running = make_job(state=State.CRASHED), make_job(state=State.RUNNING)
    page = act(operator, "run_again", crashed, running)
    assert "Run again: 1." in page
    assert f"{running.pk}: This submission has nothing to run again." in page
    assert GradingJob.objects.get(retry_of=crashed).state == State.QUEUED
    assert GradingJob.objects.count() == 3


def test_open_jobs_are_canceled(operator: Client) -> None:
    queued, finished = make_job(), make_job(state=State.FINISHED)
    page = act(operator, "cancel", queued, finished)
    assert "Canceled: 1 of 2." in page
    queued.refresh_from_db()
    finished.refresh_from_db()
    assert (queued.state, finished.state) == (State.CANCELED, State.FINISHED)


def test_acting_needs_the_permission(client: Client) -> None:
    job = make_job()
    staff = make_user(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_gradingjob"))
    client.force_login(staff)
    assert client.get(reverse(JOBS)).status_code == 200
    act(client, "cancel", job)
    job.refresh_from_db()
    assert job.state == State.QUEUED
    staff.user_permissions.add(Permission.objects.get(codename="change_gradingjob"))
    client.force_login(User.objects.get(pk=staff.pk))
    act(client, "cancel", job)
    job.refresh_from_db()
    assert job.state == State.CANCELED


def test_learners_have_no_admin(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(reverse(JOBS)).status_code in {302, 403}
