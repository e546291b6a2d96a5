"""A report as its page shows it: what leads, what is folded, what changed, where time went.

Pure: from rows already read to frozen values that a template prints. Every text that came
out of the sandbox passes through `difference`, which makes it readable; the templates'
escaping makes it harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backpath.catalog.selectors import SectionLink
from backpath.grading.check_view import CheckView, check_view, duration_text
from backpath.grading.difference import Shown, plain_text, tail
from backpath.grading.limit_words import LimitWords, limit_words
from backpath.grading.models import CheckResult, GradingJob, Report
from backpath.grading.priorities import blockers, fix_order
from backpath.grading.wording import Standing, Words, counted, standing_words


@dataclass(frozen=True)
class GroupView:
    """One group's row. `delta` is the change in points since the previous attempt, `target`
    the id of the part of the page that says most about the group."""

    id: str
    title: str
    points: int
    max_points: int
    checks: tuple[CheckView, ...]
    delta: int | None
    target: str

    @property
    def passed(self) -> tuple[CheckView, ...]:
        return tuple(check for check in self.checks if check.state == "pass")

    @property
    def fill(self) -> str:
        """`full`, `part`, or empty when nothing of the group was reached."""
        if len(self.passed) == len(self.checks):
            return "full"
        return "part" if any(check.state == "fail" for check in self.checks) else ""

    @property
    def delta_text(self) -> str:
        if self.delta is None:
            return "–"
        return "same" if self.delta == 0 else f"{self.delta:+}".replace("-", "−")

    @property
    def delta_class(self) -> str:
        return "muted" if not self.delta else "ok" if self.delta > 0 else "no"


@dataclass(frozen=True)
class Since:
    """What changed since the previous attempt."""

    number: int
    score: int
    delta: int
    now_passing: tuple[CheckView, ...]
    now_failing: tuple[CheckView, ...]
    is_same_grader: bool

    @property
    def delta_text(self) -> str:
        return "same" if self.delta == 0 else f"{self.delta:+}".replace("-", "−")

    @property
    def delta_class(self) -> str:
        return "muted" if not self.delta else "ok" if self.delta > 0 else "no"


@dataclass(frozen=True)
class TimeRow:
    label: str
    duration: str
    is_sum: bool = False


@dataclass(frozen=True)
class ReportPage:
    """Everything the report page prints. `first` is shown open, `others` folded.

    `is_graded` is false when no check could be finished, so that there is no score to speak
    of. `log` is the end of what the application wrote, where that explains the verdict.
    `limit` is a limit that was met and did not decide the verdict: one that did is in `words`.
    """

    words: Words
    is_graded: bool
    score: int
    max_score: int
    needed: int
    groups: tuple[GroupView, ...]
    first: CheckView | None
    others: tuple[CheckView, ...]
    not_reached: tuple[CheckView, ...]
    not_reached_points: int
    not_reached_reason: str
    counts: Mapping[str, int]
    since: Since | None
    times: tuple[TimeRow, ...]
    slowest: tuple[str, str] | None
    log: Shown | None
    limit: LimitWords | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def report_page(
    report: Report,
    results: Sequence[CheckResult],
    *,
    previous: Report | None = None,
    previous_results: Sequence[CheckResult] = (),
    previous_number: int | None = None,
    is_same_grader: bool = True,
    lessons: Mapping[str, SectionLink] | None = None,
) -> ReportPage:
    """Return the page of one report.

    `results` in running order. `previous` is the report of the attempt before this one,
    with its results and number; `is_same_grader` says whether the same suite made it.
    `lessons` maps a check's lesson reference
    (`slug#heading-id`) to its link; references that are not in it are not linked.
    """
    definition = report.definition
    specs = {str(spec["id"]): spec for spec in definition.get("checks", ())}
    before = {result.check_id: result for result in previous_results}
    order = fix_order(definition, results)
    groups = _groups(definition, results, specs, before, lessons or {}, order)
    checks = {check.id: check for group in groups for check in group.checks}
    waiting = blockers(definition, results)
    first = checks[order[0]] if order else None
    not_reached = tuple(check for check in checks.values() if check.state == "skip")
    needed = -(-int(definition["pass_score"]) * report.max_score // 100)
    since = _since(report, tuple(checks.values()), before, previous, previous_number)
    since = replace(since, is_same_grader=is_same_grader) if since else None
    standing = _standing(report, first, tuple(checks.values()), waiting, since, needed)
    is_graded = bool(standing.finished) or report.verdict != Report.Verdict.ERRORED
    shows_log = report.app_log_tail.strip() and report.verdict == Report.Verdict.ERRORED
    return ReportPage(
        words=standing_words(standing),
        is_graded=is_graded,
        score=report.score,
        max_score=report.max_score,
        needed=needed,
        groups=groups,
        first=first,
        others=tuple(checks[check_id] for check_id in order[1:]),
        not_reached=not_reached,
        not_reached_points=sum(check.max_points for check in not_reached),
        not_reached_reason=_not_reached_reason(report.verdict, first, waiting),
        counts={
            "pass": standing.passed,
            "fail": standing.failed,
            "skip": standing.not_reached,
        },
        since=since,
        times=_times(report, standing.finished),
        slowest=_slowest(results, specs),
        log=tail(report.app_log_tail) if shows_log else None,
        limit=_limit_note(standing),
    )


def _limit_note(standing: Standing) -> LimitWords | None:
    """Return the limit to be shown by itself: where something failed that it may explain."""
    if standing.deciding_limit or standing.passed == standing.total:
        return None
    return standing.limit


def _groups(
    definition: Mapping[str, Any],
    results: Sequence[CheckResult],
    specs: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, CheckResult],
    lessons: Mapping[str, SectionLink],
    order: Sequence[str],
) -> tuple[GroupView, ...]:
    titles = {str(group["id"]): str(group["title"]) for group in definition.get("groups", ())}
    names = list(titles) + [
        name for name in dict.fromkeys(r.group for r in results) if name not in titles
    ]
    views = []
    for name in names:
        members = [result for result in results if result.group == name]
        if not members:
            continue
        checks = tuple(
            check_view(
                result,
                specs.get(result.check_id, {}),
                before.get(result.check_id),
                lessons,
                group_title=titles.get(name, name),
                place=place,
                group_size=len(members),
            )
            for place, result in enumerate(members, 1)
        )
        points = sum(result.points for result in members)
        then = [result.points for result in before.values() if result.group == name]
        views.append(
            GroupView(
                id=name,
                title=titles.get(name, name),
                points=points,
                max_points=sum(result.max_points for result in members),
                checks=checks,
                delta=points - sum(then) if then else None,
                target=_target(name, checks, order),
            )
        )
    return tuple(views)


def _target(group: str, checks: Sequence[CheckView], order: Sequence[str]) -> str:
    failing = {check.id: check for check in checks if check.state == "fail"}
    for check_id in order:
        if check_id in failing:
            return "first" if check_id == order[0] else failing[check_id].anchor
    return f"group-{group}" if any(check.state == "pass" for check in checks) else "not-reached"


def _not_reached_reason(
    verdict: str, first: CheckView | None, waiting: Mapping[str, frozenset[str]]
) -> str:
    if verdict == Report.Verdict.TIMED_OUT:
        return ": time ran out before them"
    if verdict == Report.Verdict.OUT_OF_MEMORY:
        return ": the application was stopped before them"
    if first is None:
        return ": the application did not start"
    if all(roots == frozenset({first.id}) for roots in waiting.values()):
        return f": {'it needs' if len(waiting) == 1 else 'they need'} “{first.title}” first"
    return ": they need checks to pass that failed"


def _standing(
    report: Report,
    first: CheckView | None,
    checks: Sequence[CheckView],
    waiting: Mapping[str, frozenset[str]],
    since: Since | None,
    needed: int,
) -> Standing:
    limits = report.definition.get("limits", {})
    gates = {group["id"] for group in report.definition.get("groups", ()) if group.get("gate")}
    alone = [c for c in checks if first and waiting.get(c.id) == frozenset({first.id})]
    gain = first.max_points - first.points if first else 0
    return Standing(
        verdict=report.verdict,
        score=report.score,
        max_score=report.max_score,
        needed=needed,
        passed=sum(check.state == "pass" for check in checks),
        failed=sum(check.state == "fail" for check in checks),
        not_reached=sum(check.state == "skip" for check in checks),
        blocking_failed=sum(check.state == "fail" and check.is_blocking for check in checks),
        first_title=first.title if first else "",
        first_is_gate=bool(
            first
            and first.is_blocking
            and first.group in gates
            and first.id in {name for roots in waiting.values() for name in roots}
        ),
        unlocks=len(alone),
        score_if_fixed=report.score + gain + sum(check.max_points for check in alone),
        broke=len(since.now_failing) if since else 0,
        previous_number=since.number if since else None,
        previous_score=since.score if since else None,
        wall_seconds=int(limits.get("wall_seconds", 0)),
        memory_mb=int(limits.get("app_memory_mb", 0)),
        limit=limit_words(report.limit),
    )


def _since(
    report: Report,
    checks: Sequence[CheckView],
    before: Mapping[str, CheckResult],
    previous: Report | None,
    number: int | None,
) -> Since | None:
    """Return the comparison, unless there is nothing graded to compare with."""
    if previous is None or number is None:
        return None
    if all(result.outcome == CheckResult.Outcome.NOT_REACHED for result in before.values()):
        return None
    return Since(
        number=number,
        score=previous.score,
        delta=report.score - previous.score,
        now_passing=tuple(c for c in checks if c.change and c.state == "pass"),
        now_failing=tuple(c for c in checks if c.change and c.state == "fail"),
        is_same_grader=True,
    )


def _times(report: Report, number_of_checks: int) -> tuple[TimeRow, ...]:
    timings = report.timings
    waited = _waited_seconds(report.job)
    rows = [
        ("Waiting in the queue", waited),
        ("Preparing the sandbox", timings.get("sandbox")),
        ("Starting your application", timings.get("app_start")),
        (counted(number_of_checks, "check"), timings.get("checks") if number_of_checks else None),
    ]
    known = [TimeRow(label, duration_text(s * 1000)) for label, s in rows if s is not None]
    if "total" in timings:
        total = float(timings["total"]) + (waited or 0.0)
        known.append(TimeRow("In all", duration_text(total * 1000), is_sum=True))
    return tuple(known)


def _waited_seconds(job: GradingJob) -> float | None:
    if job.claimed_at is None:
        return None
    return max(0.0, (job.claimed_at - job.requested_at).total_seconds())


def _slowest(
    results: Sequence[CheckResult], specs: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str] | None:
    """Return the slowest request the learner may see, and how long it took."""
    seen = [
        (float(exchange.get("elapsed_ms") or 0), f"{exchange['method']} {exchange['path']}")
        for result in results
        if not specs.get(result.check_id, {}).get("hidden")
        for exchange in result.exchanges
        if exchange.get("method") and exchange.get("path")
    ]
    if not seen:
        return None
    elapsed, request = max(seen)
    return plain_text(request)[:200], duration_text(elapsed)


def report_json(report: Report, page: ReportPage) -> dict[str, Any]:
    """Return what the page says for programs, as plain values.

    Texts are those of the page: readable, capped, and without what hidden checks keep.
    """
    return {
        "version": 1,
        "verdict": str(report.verdict),
        "headline": page.words.headline,
        "advice": page.words.advice,
        "limit": report.limit,
        "limit_note": f"{page.limit.told} {page.limit.cause}" if page.limit else None,
        "score": report.score,
        "max_score": report.max_score,
        "pass_score": report.pass_score,
        "checks": [_check_json(check) for group in page.groups for check in group.checks],
        "timings_seconds": report.timings,
        "origin": report.origin or None,
        "seed": report.seed,
        "grader_hash": report.grader_hash,
        "image_digests": report.image_digests,
        "packages": report.packages,
        "app_log_tail": page.log.text if page.log else "",
    }


def _check_json(check: CheckView) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title,
        "group": check.group,
        "outcome": check.outcome_code,
        "points": check.points,
        "max_points": check.max_points,
        "blocking": check.is_blocking,
        "hidden": check.is_hidden,
        "message": check.message,
        "why": check.why,
        "lesson": f"{check.lesson.slug}#{check.lesson.anchor}" if check.lesson else None,
        "difference": [{"kind": line.kind, "text": line.text} for line in check.diff],
        "exchanges": [
            {
                "curl": exchange.curl,
                "answer": exchange.answer,
                "error": exchange.error,
                "headers": dict(exchange.headers),
                "body": exchange.body.text,
            }
            for exchange in check.exchanges
        ],
    }
