"""What is held against a run: the wrong verdict, a leak, or an attack that did not happen."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from backpath.execution.engine import RunEvent
from backpath.execution.outcome import RunOutcome
from backpath.grading.scoring import PlatformFault, Scored, score_run
from tests.sandbox.attacks.pack import Expected
from tests.sandbox.attacks.suites import Suite, leaks

# Nothing of this may reach a report: escapes, NUL, and marks that turn the reading direction.
UNSAFE = re.compile("[\x00\x07\x1b\x9b\u202a-\u202e\u2066-\u2069]")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")


@dataclass(frozen=True)
class Played:
    """One run and everything that it was given."""

    suite: Suite
    outcome: RunOutcome
    events: list[RunEvent]
    canaries: frozenset[str]
    seconds: float
    host: list[str] = field(default_factory=list)
    """What was wrong on the host while it ran or afterwards."""

    @property
    def scored(self) -> Scored | PlatformFault:
        """The platform's verdict on the run."""
        return score_run(self.suite.definition, self.outcome)

    @property
    def seen(self) -> str:
        """Every string that the learner, or anybody but the author, may get to see."""
        told: list[Any] = [asdict(event) for event in self.events]
        return "\n".join(texts([told, asdict(self.outcome), asdict(self.scored)]))


def texts(value: object) -> Iterator[str]:
    """Every string in plain data, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts(list(value.items()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def problems_of(played: Played, expected: Expected) -> list[str]:
    """Everything that is not as `expected`; an empty list is an attack that got nothing."""
    seen = played.seen
    return [
        *_verdict(played, expected),
        *leaked(seen, played.canaries),
        *(f"nothing shows {p!r}: was it carried out?" for p in expected.shows if not _in(p, seen)),
        *(f"{p!r} is shown" for p in expected.hides if _in(p, seen)),
        *played.host,
    ]


def leaked(seen: str, canaries: frozenset[str]) -> list[str]:
    """What `seen` gives away, plainly or in base 64, and what it should have been cleaned of."""
    found = leaks(seen, canaries)
    decoded = "\n".join(_decoded(match[0]) for match in ENCODED.finditer(seen))
    found += leaks(decoded, canaries)
    problems = [f"leaked canary {canary}" for canary in found]
    if unsafe := UNSAFE.search(seen):
        problems.append(f"the report has the character {unsafe[0]!r}")
    return problems


def dishonest(played: Played) -> list[str]:
    """What is wrong with the run of a correct submission."""
    suite = played.suite
    got = {check.check_id: check.outcome for check in played.outcome.checks}
    problems = leaked(played.seen, played.canaries) + played.host
    if played.outcome.status != "completed":
        problems.append(f"an honest run is {played.outcome.status}: {played.outcome.detail[:500]}")
    if got != suite.file.honest:
        messages = {c.check_id: c.message for c in played.outcome.checks if c.message}
        problems.append(f"an honest run got {got}: {messages}")
    scored = played.scored
    if not isinstance(scored, Scored) or scored.score != suite.honest_score:
        problems.append(f"an honest run was scored {scored!r}")
    return problems


def _verdict(played: Played, expected: Expected) -> Iterator[str]:
    outcome, scored = played.outcome, played.scored
    if outcome.status not in expected.status:
        yield f"status {outcome.status}, not {expected.status}: {outcome.detail[:500]}"
    if isinstance(scored, PlatformFault):
        yield f"no verdict but {scored.code}: {scored.detail[:500]}"
        return
    if scored.verdict not in expected.verdict:
        yield f"verdict {scored.verdict}, not {expected.verdict}"
    if expected.score is not None and scored.score != expected.score:
        yield f"{scored.score} points, not {expected.score}"
    if expected.at_most is not None and scored.score > expected.at_most:
        yield f"{scored.score} points, more than {expected.at_most}"
    for check in scored.checks:
        allowed = expected.checks.get(check.check_id) or expected.checks.get("others", [])
        if check.outcome not in allowed:
            yield f"{check.check_id} is {check.outcome}, not {allowed}: {check.message[:200]}"


def _in(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_").decode("latin-1")
    except ValueError:
        return ""
