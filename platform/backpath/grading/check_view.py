"""One check as its report shows it, with the exchanges that led to its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from backpath.catalog.selectors import SectionLink
from backpath.grading.difference import (
    DiffLine,
    Shown,
    diff_lines,
    is_same_json,
    plain_text,
    pretty_json,
    shorten,
)
from backpath.grading.models import CheckResult
from backpath.grading.priorities import STATES

# Headers that say something about the answer rather than about the server's software.
SHOWN_HEADERS: Final = frozenset(
    {"content-type", "location", "allow", "retry-after", "etag", "link"}
)


@dataclass(frozen=True)
class ExchangeView:
    """One request and its answer. `answer` is `200 OK`, or empty when none came."""

    curl: str
    answer: str
    error: str
    elapsed: str
    headers: tuple[tuple[str, str], ...]
    body: Shown


@dataclass(frozen=True)
class CheckView:
    """One check with everything a learner may see of it.

    `state` is `pass`, `fail` or `skip`; `change` is `new` when the outcome is the opposite
    of that in the previous attempt. `exchanges` are in the order they happened. Hidden
    checks carry no exchange, difference or output. `diff_is_answer`: the difference is that
    of the last answer's whole body, so that the body need not be shown besides.
    """

    id: str
    title: str
    group: str
    group_title: str
    place: int
    group_size: int
    state: str
    outcome: str
    outcome_code: str
    points: int
    max_points: int
    is_blocking: bool
    is_hidden: bool
    why: str
    hints: tuple[str, ...]
    lesson: SectionLink | None
    message: str
    diff: tuple[DiffLine, ...]
    diff_is_answer: bool
    exchanges: tuple[ExchangeView, ...]
    output: Shown
    duration: str
    change: str

    @property
    def anchor(self) -> str:
        return f"check-{self.id.replace('.', '-')}"

    @property
    def last_exchange(self) -> ExchangeView | None:
        return self.exchanges[-1] if self.exchanges else None

    @property
    def earlier_exchanges(self) -> tuple[ExchangeView, ...]:
        return self.exchanges[:-1]


def check_view(
    result: CheckResult,
    spec: Mapping[str, Any],
    before: CheckResult | None,
    lessons: Mapping[str, SectionLink],
    *,
    group_title: str,
    place: int,
    group_size: int,
) -> CheckView:
    state = STATES[result.outcome]
    hidden = bool(spec.get("hidden"))
    then = STATES[before.outcome] if before else state
    is_new = (state == "pass") != (then == "pass") and state != "skip"
    return CheckView(
        id=result.check_id,
        title=plain_text(result.title),
        group=result.group,
        group_title=group_title,
        place=place,
        group_size=group_size,
        state=state,
        outcome=str(CheckResult.Outcome(result.outcome).label),
        outcome_code=str(CheckResult.Outcome(result.outcome).value),
        points=result.points,
        max_points=result.max_points,
        is_blocking=bool(spec.get("blocking")),
        is_hidden=hidden,
        why=str(spec.get("why", "")),
        hints=tuple(str(hint) for hint in spec.get("hints", ())),
        lesson=lessons.get(str(spec.get("lesson", ""))),
        message=shorten(result.message, characters=2_000, lines=40).text,
        diff=() if hidden else diff_lines(result.expected, result.actual),
        diff_is_answer=not hidden and _is_whole_answer(result),
        exchanges=() if hidden else tuple(map(exchange_view, result.exchanges)),
        output=shorten("" if hidden else result.output.strip(), characters=4_000, lines=80),
        duration=duration_text(result.duration_ms),
        change="new" if is_new else "",
    )


def _is_whole_answer(result: CheckResult) -> bool:
    if not result.exchanges or result.expected is None or result.actual is None:
        return False
    body = str(result.exchanges[-1].get("response_body") or "")
    return is_same_json(result.actual, body)


def exchange_view(exchange: Mapping[str, Any]) -> ExchangeView:
    """Return one exchange as it is shown; missing keys show as nothing."""
    status = exchange.get("status")
    headers = exchange.get("response_headers") or {}
    return ExchangeView(
        curl=plain_text(str(exchange.get("curl") or "")),
        answer=_status_text(status) if isinstance(status, int) else "",
        error=plain_text(str(exchange.get("error") or "")),
        elapsed=duration_text(float(exchange.get("elapsed_ms") or 0)),
        headers=tuple(
            (plain_text(str(name)), plain_text(str(value))[:300])
            for name, value in headers.items()
            if str(name).lower() in SHOWN_HEADERS
        ),
        body=shorten(pretty_json(str(exchange.get("response_body") or "")), lines=80),
    )


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def duration_text(milliseconds: float) -> str:
    """Return `14 ms`, `1.2 s` or `2 min 5 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
