"""The live page's feed: server-sent events, and the same by polling.

Both read the event table, so a reader that reconnects, or changes from one to the other,
misses nothing: `Last-Event-ID` is the row's id. A position is worked out when it is asked
for, has no id, and is repeated only when it changed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from backpath.grading import selectors
from backpath.grading.models import JobEvent, Submission

# A small run on a warm sandbox is over before one could count to three: whoever has just handed
# in is told at once. After that every check is news for a while; and a job that has waited
# long will not be claimed in the next blink.
FIRST_POLL_SECONDS: Final = 0.05
FIRST_FOR_SECONDS: Final = 3.0
QUICK_POLL_SECONDS: Final = 0.2
SLOW_POLL_SECONDS: Final = 1.0
QUICK_FOR_SECONDS: Final = 15.0
HEARTBEAT_SECONDS: Final = 15.0
# A browser reconnects by itself; ending now and then lets a server restart gracefully.
STREAM_SECONDS: Final = 600.0
RECONNECT_MS: Final = 2_000


@dataclass(frozen=True)
class Snapshot:
    """What is new since an event id, and whether anything more will come."""

    events: list[dict[str, Any]]
    position: dict[str, int] | None
    state: dict[str, Any]
    is_open: bool


def snapshot(submission: Submission, after: int) -> Snapshot:
    """Read everything that a live page needs, in a few queries."""
    # The state first: what is written between the two reads is then seen as an event.
    state = selectors.submission_state(submission)
    events = selectors.events_after(submission.pk, after)
    position = selectors.queue_position(state.job)
    return Snapshot(
        events=[
            _describe(event, submission.pk)
            for event in events
            # A verdict of ours that an operator's retry has overtaken is none.
            if event.kind != JobEvent.Kind.DECIDED or event.job_id == state.job.pk
        ],
        position=asdict(position) if position else None,
        state={
            "status": str(state.status),
            "attempt": state.attempt,
            "phase": state.phase,
            "is_open": state.is_open,
        },
        is_open=state.is_open,
    )


def _describe(event: JobEvent, submission_id: UUID) -> dict[str, Any]:
    payload = dict(event.payload)
    if event.kind == JobEvent.Kind.DECIDED:
        payload["url"] = reverse("grading:submission", args=[submission_id])
    return {"id": event.pk, "kind": event.kind, "payload": payload}


@never_cache
@require_GET
@login_required
def status(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """The feed by polling: JSON with `state`, `position` and the events after `?after=`."""
    submission = get_object_or_404(selectors.visible_submissions(request.user), pk=submission_id)
    seen = snapshot(submission, _event_id(request.GET.get("after")))
    return JsonResponse(
        {
            "state": seen.state,
            "position": seen.position,
            "events": seen.events,
            "url": reverse("grading:submission", args=[submission.pk]),
        }
    )


@require_GET
async def events(request: HttpRequest, submission_id: UUID) -> HttpResponseBase:
    """The feed as server-sent events, ending with `decided`.

    404 for everybody but the learner and staff, signed in or not: it is read by a script,
    which a redirect to the sign-in page would only confuse. 204, which stops a browser from
    reconnecting, when the reader has seen everything there will be.
    """
    submission = await sync_to_async(_find)(request, submission_id)
    after = _event_id(request.headers.get("Last-Event-ID") or request.GET.get("after"))
    first = await sync_to_async(_read)(submission, after)
    if not first.is_open and not first.events and after:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    response = StreamingHttpResponse(
        _stream(submission, after, first), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream(submission: Submission, after: int, seen: Snapshot) -> AsyncIterator[str]:
    """Yield blocks of the event stream. Between two reads no connection is held."""
    yield f"retry: {RECONNECT_MS}\n\n"
    shown_position: dict[str, int] | None = None
    started_at = written_at = time.monotonic()
    while True:
        blocks = []
        if seen.position is not None and seen.position != shown_position:
            shown_position = seen.position
            blocks.append(_block("position", seen.position))
        for event in seen.events:
            after = event["id"]
            blocks.append(_block(event["kind"], event["payload"], event_id=after))
        if blocks:
            yield "".join(blocks)
            written_at = time.monotonic()
        if not seen.is_open or time.monotonic() - started_at > STREAM_SECONDS:
            return
        if time.monotonic() - written_at > HEARTBEAT_SECONDS:
            yield ": still here\n\n"
            written_at = time.monotonic()
        is_waiting = seen.position is not None
        await asyncio.sleep(_pause(time.monotonic() - started_at, is_waiting=is_waiting))
        seen = await sync_to_async(_read)(submission, after)


def _pause(seconds: float, *, is_waiting: bool) -> float:
    """The pause before the next look, `seconds` after the stream began."""
    if seconds < FIRST_FOR_SECONDS:
        return FIRST_POLL_SECONDS
    return SLOW_POLL_SECONDS if is_waiting and seconds > QUICK_FOR_SECONDS else QUICK_POLL_SECONDS


def _block(kind: str, payload: dict[str, Any], *, event_id: int | None = None) -> str:
    """One event. JSON in ASCII has no line breaks, so a payload cannot forge another."""
    identity = "" if event_id is None else f"id: {event_id}\n"
    return f"{identity}event: {kind}\ndata: {json.dumps(payload)}\n\n"


def _find(request: HttpRequest, submission_id: UUID) -> Submission:
    try:
        found = selectors.visible_submissions(request.user).filter(pk=submission_id).first()
    finally:
        _release_connection()
    if found is None:
        raise Http404("There is no such submission.")
    return found


def _read(submission: Submission, after: int) -> Snapshot:
    try:
        return snapshot(submission, after)
    finally:
        _release_connection()


def _release_connection() -> None:
    """Give the connection back while the stream waits; one in a transaction is the caller's."""
    if not connection.in_atomic_block:
        connection.close()


def _event_id(value: str | None) -> int:
    """An event id from outside; whatever is none means "from the start"."""
    if value and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return 0
