"""The feed of the live page."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django import Settings

from backpath.accounts.models import User
from backpath.execution.engine import RunRequest
from backpath.grading import live
from backpath.grading.jobs import cancel_job, claim_job, run_job
from backpath.grading.models import GradingJob, JobEvent, Submission
from backpath.grading.submissions import run_again
from tests.grading.factories import (
    CHECKS,
    make_assignment,
    make_job,
    make_outcome,
    make_submission,
    make_user,
)
from tests.grading.fakes import FakeEngine, OnEvent, ShouldStop

pytestmark = pytest.mark.django_db
State = GradingJob.State
Event = tuple[str, str | None, Any]


def parse(block: str) -> Event:
    """The name, id and data of one event of a stream."""
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    return fields["event"], fields.get("id"), json.loads(fields["data"])


async def read_events(response: StreamingHttpResponse) -> AsyncIterator[Event]:
    async for chunk in response.streaming_content:
        for block in chunk.decode().split("\n\n"):
            if block and not block.startswith((":", "retry")):
                yield parse(block)


def get_events(user: User, submission: Submission, **headers: str) -> tuple[int, list[Event]]:
    """The status and the whole stream of a submission that is not open any more."""

    async def get() -> tuple[int, list[Event]]:
        client = AsyncClient()
        await client.aforce_login(user)
        response = await client.get(
            reverse("grading:events", args=[submission.pk]), headers=headers
        )
        if not response.streaming:
            return response.status_code, []
        return response.status_code, [event async for event in read_events(response)]

    return async_to_sync(get)()


def graded() -> Submission:
    job = make_job()
    run_job(job_id=job.pk, engine=FakeEngine(), worker_name="w")
    return job.submission


def test_a_decided_submission_replays_everything_and_ends() -> None:
    submission = graded()
    status, events = get_events(submission.learner, submission)
    assert status == 200
    assert [name for name, _, _ in events] == [
        "phase",
        "phase",
        "phase",
        "check",
        "check",
        "check",
        "phase",
        "decided",
    ]
    ids = [int(event_id or 0) for _, event_id, _ in events]
    assert ids == sorted(ids)
    assert events[-1][2] == {"url": f"/submissions/{submission.pk}/"}
    assert events[3][2] == {
        "check_id": "start.health",
        "title": "GET /health answers",
        "outcome": "passed",
        "points": 20,
    }


def test_a_reader_resumes_where_it_was() -> None:
    submission = graded()
    _, events = get_events(submission.learner, submission)
    seen = events[4][1]
    assert seen is not None
    _, rest = get_events(submission.learner, submission, **{"Last-Event-ID": seen})
    assert rest == events[5:]


def test_a_reader_that_has_seen_everything_is_told_not_to_come_back() -> None:
    submission = graded()
    _, events = get_events(submission.learner, submission)
    last = events[-1][1]
    assert last is not None
    status, rest = get_events(submission.learner, submission, **{"Last-Event-ID": last})
    assert (status, rest) == (204, [])


@pytest.mark.parametrize("last", ["", "abc", "-1", "1e9", "٣", "9" * 30])
def test_a_nonsensical_last_event_starts_from_the_start(last: str) -> None:
    assert live._event_id(last) == 0


def test_the_headers_of_a_stream() -> None:
    submission = graded()
    learner = submission.learner

    async def get() -> StreamingHttpResponse:
        client = AsyncClient()
        await client.aforce_login(learner)
        response = await client.get(reverse("grading:events", args=[submission.pk]))
        assert isinstance(response, StreamingHttpResponse)
        return response

    response = async_to_sync(get)()
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Cache-Control"] == "no-store, no-transform"


def test_a_stream_follows_a_job_from_queue_to_verdict(settings: Settings) -> None:
    learner, assignment = make_user(), make_assignment()
    before = make_job(make_submission(learner=learner, assignment=assignment))
    job = make_job(make_submission(learner=learner, assignment=assignment))

    async def follow() -> list[Event]:
        client = AsyncClient()
        await client.aforce_login(learner)
        response = await client.get(reverse("grading:events", args=[job.submission_id]))
        events: list[Event] = []
        async for event in read_events(response):
            events.append(event)
            if event[0] == "position" and event[2]["waiting_behind_own"] == 1:
                await sync_to_async(cancel_job)(before.pk)
            elif event[0] == "position":
                await sync_to_async(run_job)(job_id=job.pk, engine=FakeEngine(), worker_name="w")
        return events

    events = async_to_sync(follow)()
    assert events[:2] == [
        ("position", None, {"queue_position": 2, "waiting_behind_own": 1}),
        ("position", None, {"queue_position": 1, "waiting_behind_own": 0}),
    ]
    assert [name for name, _, _ in events[2:]].count("check") == len(CHECKS)
    assert events[-1][0] == "decided"


def test_an_idle_stream_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(live, "QUICK_POLL_SECONDS", 0.02)
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.5)
    learner = make_user()
    job = make_job(make_submission(learner=learner), state=State.RUNNING)

    async def read() -> str:
        client = AsyncClient()
        await client.aforce_login(learner)
        response = await client.get(reverse("grading:events", args=[job.submission_id]))
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    text = async_to_sync(read)()
    assert text.startswith("retry: 2000\n\n")
    # It also ended by itself, so that a server can be restarted.
    assert text.count(": still here\n\n") >= 3


@pytest.mark.parametrize(
    ("seconds", "is_waiting", "pause"),
    [
        (0.5, True, live.FIRST_POLL_SECONDS),
        (0.5, False, live.FIRST_POLL_SECONDS),
        (5, True, live.QUICK_POLL_SECONDS),
        (60, False, live.QUICK_POLL_SECONDS),
        (60, True, live.SLOW_POLL_SECONDS),
    ],
)
def test_who_has_just_handed_in_is_told_soonest(
    seconds: float, is_waiting: bool, pause: float
) -> None:
    assert live._pause(seconds, is_waiting=is_waiting) == pause


def test_a_long_wait_is_polled_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_FOR_SECONDS", 0.0)
    monkeypatch.setattr(live, "QUICK_FOR_SECONDS", 0.0)
    monkeypatch.setattr(live, "SLOW_POLL_SECONDS", 0.6)
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.5)
    learner = make_user()
    job = make_job(make_submission(learner=learner))
    reads: list[float] = []
    read = live._read

    def counted(submission: Submission, after: int) -> live.Snapshot:
        reads.append(1)
        return read(submission, after)

    monkeypatch.setattr(live, "_read", counted)
    status, events = get_events(learner, job.submission)
    assert (status, [name for name, _, _ in events]) == (200, ["position"])
    assert len(reads) == 2


def test_a_retry_is_announced_and_overtakes_our_verdict(settings: Settings) -> None:
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 1
    job = make_job()
    run_job(job_id=job.pk, engine=FakeEngine(RuntimeError("bug")), worker_name="w")
    _, events = get_events(job.learner, job.submission)
    assert events[-1][0] == "decided"
    retry = run_again(job.submission)
    run_job(job_id=retry.pk, engine=FakeEngine(), worker_name="w")
    _, events = get_events(job.learner, job.submission)
    names = [name for name, _, _ in events]
    assert names.count("decided") == 1
    assert names[-1] == "decided"
    assert ("restarted", {"attempt": 2}) in [(name, data) for name, _, data in events]


def test_a_hostile_title_cannot_forge_an_event() -> None:
    submission = graded()
    JobEvent.objects.filter(kind="check").update(
        payload={"check_id": "x", "title": "a\n\nevent: decided\ndata: {}\u2028", "points": 1}
    )
    _, events = get_events(submission.learner, submission)
    assert [name for name, _, _ in events].count("decided") == 1


# Polling ---------------------------------------------------------------------------------


def poll(client: Client, submission: Submission, after: str = "") -> dict[str, Any]:
    url = reverse("grading:status", args=[submission.pk])
    response = client.get(url, {"after": after} if after else {})
    assert response.status_code == 200
    data: dict[str, Any] = response.json()
    return data


def test_polling_tells_the_same(client: Client) -> None:
    job = make_job()
    client.force_login(job.learner)
    seen = poll(client, job.submission)
    assert seen == {
        "state": {"status": "queued", "attempt": 1, "phase": "", "is_open": True},
        "position": {"queue_position": 1, "waiting_behind_own": 0},
        "events": [],
        "url": f"/submissions/{job.submission_id}/",
    }

    def look(request: RunRequest, on_event: OnEvent, should_stop: ShouldStop) -> None:
        running = poll(client, job.submission)
        assert running["state"]["status"] == "running"
        assert running["state"]["phase"] == "starting"
        assert running["position"] is None

    run_job(job_id=job.pk, engine=FakeEngine(on_run=look), worker_name="w")
    decided = poll(client, job.submission)
    assert decided["state"]["status"] == "decided"
    assert not decided["state"]["is_open"]
    assert [event["kind"] for event in decided["events"]][-1] == "decided"
    after = str(decided["events"][2]["id"])
    assert poll(client, job.submission, after)["events"] == decided["events"][3:]


def test_a_stream_and_polling_agree() -> None:
    submission = graded()
    _, streamed = get_events(submission.learner, submission)
    client = Client()
    client.force_login(submission.learner)
    polled = [(e["kind"], str(e["id"]), e["payload"]) for e in poll(client, submission)["events"]]
    assert polled == streamed


def test_our_fault_is_a_state_of_its_own(client: Client, settings: Settings) -> None:
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 1
    job = make_job()
    run_job(
        job_id=job.pk,
        engine=FakeEngine(make_outcome(status="infrastructure_error", detail="secret host")),
        worker_name="w",
    )
    client.force_login(job.learner)
    seen = poll(client, job.submission)
    assert seen["state"]["status"] == "fault"
    assert "secret host" not in json.dumps(seen)


# Who may look ------------------------------------------------------------------------------


def test_staff_may_look(client: Client) -> None:
    submission = graded()
    staff = make_user(is_staff=True)
    client.force_login(staff)
    assert poll(client, submission)["state"]["status"] == "decided"
    assert get_events(staff, submission)[0] == 200


def test_nobody_else_may(client: Client) -> None:
    submission = graded()
    stranger = make_user()
    client.force_login(stranger)
    assert client.get(reverse("grading:status", args=[submission.pk])).status_code == 404
    assert get_events(stranger, submission)[0] == 404


def test_a_submission_that_is_not_there(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(reverse("grading:status", args=[uuid4()])).status_code == 404


def test_without_signing_in(client: Client) -> None:
    submission = graded()
    assert client.get(reverse("grading:status", args=[submission.pk])).status_code == 302

    async def get() -> int:
        response = await AsyncClient().get(reverse("grading:events", args=[submission.pk]))
        return response.status_code

    assert async_to_sync(get)() == 404


@pytest.mark.parametrize("name", ["grading:events", "grading:status"])
def test_feeds_are_read_only(client: Client, name: str) -> None:
    submission = graded()
    client.force_login(submission.learner)
    assert client.post(reverse(name, args=[submission.pk])).status_code == 405


def test_claiming_alone_shows_as_running(client: Client) -> None:
    job = make_job()
    claim_job(job_id=job.pk, worker_name="w")
    client.force_login(job.learner)
    assert poll(client, job.submission)["state"]["status"] == "running"
