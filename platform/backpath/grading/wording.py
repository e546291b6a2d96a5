"""The first words of a report: where you stand, and what to do next.

One honest headline and one paragraph, from numbers alone. Nothing is praised that did not
pass, nothing is called easy, and no sentence promises more than the numbers say.
"""

from dataclasses import dataclass
from typing import Final

from backpath.grading.limit_words import LimitWords, decides

CLOSE_POINTS: Final = 10


@dataclass(frozen=True)
class Standing:
    """What the first words depend on.

    `score`, `max_score`, `needed` and `score_if_fixed` are points; `needed` is what passing
    takes. `first_title` names the failure that is shown open, `unlocks` counts the checks
    that were not reached and wait for it alone, `score_if_fixed` is the score with it and
    them passing. `broke` counts checks that passed in the previous attempt and fail now.
    `limit` is the limit that the report names.
    """

    verdict: str
    score: int
    max_score: int
    needed: int
    passed: int
    failed: int
    not_reached: int
    blocking_failed: int = 0
    first_title: str = ""
    first_is_gate: bool = False
    unlocks: int = 0
    score_if_fixed: int = 0
    broke: int = 0
    previous_number: int | None = None
    previous_score: int | None = None
    wall_seconds: int = 0
    memory_mb: int = 0
    limit: LimitWords | None = None

    @property
    def deciding_limit(self) -> LimitWords | None:
        """The limit, where it is what brought the verdict about."""
        return self.limit if self.limit and decides(self.verdict, self.limit.kind) else None

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.not_reached

    @property
    def finished(self) -> int:
        return self.passed + self.failed

    @property
    def is_lower(self) -> bool:
        return self.previous_score is not None and self.score < self.previous_score


@dataclass(frozen=True)
class Words:
    """The headline and the paragraph below it."""

    headline: str
    advice: str


def standing_words(standing: Standing) -> Words:
    """Return the first words for any verdict and any numbers."""
    if standing.verdict == "errored":
        return _errored(standing)
    if standing.verdict == "timed_out":
        return _timed_out(standing)
    if standing.verdict == "out_of_memory":
        return _out_of_memory(standing)
    if standing.verdict == "passed":
        return _passed(standing)
    return _failed(standing)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return `1 check`, `2 checks`, `1,200 checks`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _errored(s: Standing) -> Words:
    if not s.finished:
        return Words(
            "Your application did not start.",
            "It could not be graded, and no attempt is lost. The last lines it wrote are below. "
            "Start it on your own machine with the command of its Procfile: what stops it here "
            "should stop it there too.",
        )
    return Words(
        "Your application stopped while it was being checked.",
        f"{s.finished} of {counted(s.total, 'check')} had finished by then. "
        "The last lines it wrote are below; look there first.",
    )


def _timed_out(s: Standing) -> Words:
    look = f" The first one that failed is “{s.first_title}”." if s.first_title else ""
    if s.deciding_limit:
        return Words(
            s.deciding_limit.headline,
            f"{s.deciding_limit.told} {s.finished} of {counted(s.total, 'check')} had finished. "
            f"{s.deciding_limit.cause}{look}",
        )
    return Words(
        f"Time ran out after {counted(s.wall_seconds, 'second')}.",
        f"{s.finished} of {counted(s.total, 'check')} had finished; the rest could not be "
        f"reached. Look for a request that takes long to answer, or never does.{look}",
    )


def _out_of_memory(s: Standing) -> Words:
    if s.deciding_limit:
        return Words(
            s.deciding_limit.headline,
            f"{s.deciding_limit.told} {s.finished} of {counted(s.total, 'check')} had finished. "
            f"{s.deciding_limit.cause}",
        )
    return Words(
        f"Your application needed more than {s.memory_mb:,} MB of memory.",
        f"It was stopped at that limit, with {s.finished} of {counted(s.total, 'check')} "
        "finished. Look for something that grows with every request, or for a whole file or "
        "table that is read at once.",
    )


def _passed(s: Standing) -> Words:
    if not s.failed and not s.not_reached:
        earlier = (
            f" Attempt {s.previous_number} stood at {s.previous_score}."
            if s.previous_score is not None and s.previous_score < s.score
            else ""
        )
        everything = f"All {s.total} checks pass." if s.total != 1 else "The one check passes."
        return Words(
            "Passed, and every check with it.",
            f"{everything}{earlier} Nothing is left to mend here.",
        )
    first = f" If you want the rest, begin with “{s.first_title}”." if s.first_title else ""
    lower = (
        f" That is lower than attempt {s.previous_number}, which had {s.previous_score}."
        if s.is_lower
        else ""
    )
    return Words(
        "Passed.",
        f"You have {s.score} of {s.max_score} points and needed {s.needed}.{lower} "
        f"{_fails(s.failed)} still.{first}",
    )


def _failed(s: Standing) -> Words:
    if s.first_is_gate:
        return Words(
            "The checks stopped at the first door.",
            f"“{s.first_title}” has to pass before {_others(s.not_reached)} can run. "
            f"Put that right and hand in again.",
        )
    return Words(_failed_headline(s), " ".join(part for part in _failed_advice(s) if part))


def _failed_headline(s: Standing) -> str:
    if s.is_lower and s.broke:
        return f"Lower than attempt {s.previous_number}: {s.score} after {s.previous_score}."
    if s.blocking_failed == 1:
        one = "One blocking check stands in the way."
        return f"Close. {one}" if max(s.score, s.score_if_fixed) >= s.needed else one
    if s.blocking_failed:
        return f"{s.blocking_failed} blocking checks stand in the way."
    if not s.passed:
        return "No check passes yet."
    missing = s.needed - s.score
    if 0 < missing <= CLOSE_POINTS:
        return f"Close: {counted(missing, 'point')} short."
    return f"{s.passed} of {counted(s.total, 'check')} pass."


def _failed_advice(s: Standing) -> tuple[str, ...]:
    return (_first_step(s), _threshold(s), _regression(s))


def _first_step(s: Standing) -> str:
    if not s.first_title:
        return ""
    lead = "fails" if s.blocking_failed == 1 else "is the one to begin with"
    gain = s.score_if_fixed - s.score
    if s.unlocks:
        more = "one more check" if s.unlocks == 1 else f"{s.unlocks} more checks"
        then = (
            f" Put it right and {more} can run, together worth up to "
            f"{counted(gain, 'point')}: that could take you to {s.score_if_fixed}."
        )
    elif _would_pass(s):
        then = f" Put it right and you have {s.score_if_fixed} points, which is a pass."
    elif gain > 0:
        then = f" Put it right and you have {s.score_if_fixed} points."
    else:
        then = ""
    return f"“{s.first_title}” {lead}.{then}"


def _would_pass(s: Standing) -> bool:
    """Whether the first failure's own points are all that is missing."""
    return not s.blocking_failed and not s.unlocks and s.score < s.needed <= s.score_if_fixed


def _threshold(s: Standing) -> str:
    if s.first_title and _would_pass(s):
        return ""
    blocking = " with no blocking check failing" if s.blocking_failed else ""
    if s.score >= s.needed:
        return f"You have the points, {s.score} of the {s.needed} it takes, and pass{blocking}."
    return f"You have {s.score} and pass at {s.needed}{blocking}."


def _regression(s: Standing) -> str:
    if not s.broke or s.previous_number is None:
        return ""
    return f"{_fails(s.broke)} that passed in attempt {s.previous_number}."


def _fails(number: int) -> str:
    return "One check fails" if number == 1 else f"{number} checks fail"


def _others(number: int) -> str:
    return "the one behind it" if number == 1 else f"the {number} behind it"
