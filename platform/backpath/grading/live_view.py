"""A job under way as its page shows it, from the events so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backpath.grading.models import JobEvent
from backpath.grading.priorities import STATES
from backpath.grading.selectors import QueuePosition

QUEUED: Final = "queued"
STEPS: Final = (
    (QUEUED, "Waiting in the queue"),
    ("starting", "Preparing the sandbox"),
    ("app_starting", "Starting your application"),
    ("checking", "Running the checks"),
    ("finishing", "Writing the report"),
)
WORDS: Final = {
    "pass": "Passed",
    "fail": "Failed",
    "skip": "Not reached",
    "wait": "Waiting",
}
RAIL: Final = {"pass": "p", "fail": "f", "skip": "s", "wait": "w"}


@dataclass(frozen=True)
class Step:
    """One phase; `css` is `done`, `on` or empty, `state` the glyph beside it."""

    name: str
    words: str
    css: str
    state: str


@dataclass(frozen=True)
class LiveCheck:
    id: str
    title: str
    state: str

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def rail(self) -> str:
        return RAIL[self.state]


@dataclass(frozen=True)
class LiveGroup:
    id: str
    title: str
    checks: tuple[LiveCheck, ...]


@dataclass(frozen=True)
class LivePage:
    """What the page shows before any script runs. `after` is the last event it contains."""

    groups: tuple[LiveGroup, ...]
    steps: tuple[Step, ...]
    status: str
    restarted: bool
    after: int

    def _count(self, *states: str) -> int:
        return sum(check.state in states for group in self.groups for check in group.checks)

    @property
    def passed(self) -> int:
        return self._count("pass")

    @property
    def failed(self) -> int:
        return self._count("fail")

    @property
    def done(self) -> int:
        return self._count("pass", "fail", "skip")

    @property
    def total(self) -> int:
        return self._count("pass", "fail", "skip", "wait")


def live_page(
    definition: Mapping[str, Any],
    events: Sequence[JobEvent],
    *,
    phase: str,
    position: QueuePosition | None,
) -> LivePage:
    """Return the page of a job from its assignment's definition and all events so far.

    `phase` is the job's own, empty while it waits; `position` is None once it runs.
    """
    outcomes: dict[str, str] = {}
    restarted = False
    for event in events:
        if event.kind == JobEvent.Kind.RESTARTED:
            outcomes, restarted = {}, True
        elif event.kind == JobEvent.Kind.CHECK:
            outcomes[event.payload["check_id"]] = event.payload["outcome"]
    checks = definition.get("checks", ())
    groups = tuple(
        LiveGroup(
            id=group["id"],
            title=group["title"],
            checks=tuple(
                LiveCheck(check["id"], check["title"], _state(outcomes.get(check["id"])))
                for check in checks
                if check["id"].partition(".")[0] == group["id"]
            ),
        )
        for group in definition.get("groups", ())
    )
    steps = _steps(phase or QUEUED)
    current = next((step.words for step in steps if step.css == "on"), STEPS[0][1])
    return LivePage(
        groups=groups,
        steps=steps,
        status=position_words(position) if position else current,
        restarted=restarted,
        after=max((event.pk for event in events), default=0),
    )


def position_words(position: QueuePosition) -> str:
    """Return how far away a waiting job is."""
    if position.waiting_behind_own:
        return "Waiting for your earlier attempt to be graded first"
    before = position.queue_position - 1
    if before < 1:
        return "Next in the queue"
    return "One other before it" if before == 1 else f"{before} others before it"


def _state(outcome: str | None) -> str:
    return "wait" if outcome is None else STATES.get(outcome, "wait")


def _steps(phase: str) -> tuple[Step, ...]:
    names = [name for name, _ in STEPS]
    at = names.index(phase) if phase in names else 0
    return tuple(
        Step(
            name,
            words,
            css="done" if place < at else "on" if place == at else "",
            state="pass" if place < at else "now" if place == at else "wait",
        )
        for place, (name, words) in enumerate(STEPS)
    )
