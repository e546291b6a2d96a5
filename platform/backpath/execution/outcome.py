"""What an engine reports about one run: events while it goes on, one outcome at its end.

Everything in these classes that came from inside a container is hostile text. The
engine has checked shapes and sizes; whoever stores or shows it still treats it as text.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

PhaseName = Literal["starting", "app_starting", "checking", "finishing"]
CheckOutcome = Literal[
    "passed", "failed", "learner_error", "timed_out", "not_reached", "grader_error"
]
RunStatus = Literal[
    "completed",
    "app_not_ready",
    "timed_out",
    "out_of_memory",
    "infrastructure_error",
    "grader_error",
]

PHASE_NAMES: Final[tuple[str, ...]] = ("starting", "app_starting", "checking", "finishing")
CHECK_OUTCOMES: Final[tuple[str, ...]] = (
    "passed",
    "failed",
    "learner_error",
    "timed_out",
    "not_reached",
    "grader_error",
)
RUN_STATUSES: Final[tuple[str, ...]] = (
    "completed",
    "app_not_ready",
    "timed_out",
    "out_of_memory",
    "infrastructure_error",
    "grader_error",
)


@dataclass(frozen=True)
class Phase:
    """The run entered a phase; `name` is one of `PHASE_NAMES`."""

    name: str


@dataclass(frozen=True)
class CheckStarted:
    """The runner began one check."""

    check_id: str


@dataclass(frozen=True)
class CheckFinished:
    """The runner's verdict on one check.

    `outcome` is one of `CHECK_OUTCOMES`. `exchanges` holds the HTTP exchanges of the
    check, the last one last; each is a dict with the keys `curl`, `method`, `path`,
    `status` (int or None), `response_headers`, `response_body`, `elapsed_ms`, `error`.
    """

    check_id: str
    outcome: str
    message: str
    expected: str | None
    actual: str | None
    duration_ms: int
    exchanges: list[dict[str, Any]]
    output: str


LimitKind = Literal[
    "wall",
    "cpu",
    "memory",
    "processes",
    "disk",
    "inodes",
    "file_size",
    "open_files",
    "output",
]
LIMIT_KINDS: Final[tuple[str, ...]] = get_args(LimitKind)


@dataclass(frozen=True)
class LimitHit:
    """A limit that the learner's app ran into.

    `kind` is one of `LIMIT_KINDS`; `limit` and `used` are in `unit` ("s", "MiB", "processes",
    "files", "bytes"). `used` is None where nobody measured it.
    """

    kind: str
    limit: float
    used: float | None
    unit: str


@dataclass(frozen=True)
class RunOutcome:
    """How one run ended.

    `status` is one of `RUN_STATUSES`: the first four say something about the learner's
    work, `infrastructure_error` and `grader_error` are faults of the platform. `detail`
    explains the status to an operator. `timings` are seconds under the keys `sandbox`,
    `app_start`, `checks` and `total`. `origin` is "warm" when the app's container came from the
    pool, else "cold". `limit` is the limit that decided the status or that failed checks met.
    """

    status: str
    checks: list[CheckFinished]
    detail: str
    app_log_tail: str
    seed: int
    timings: dict[str, float]
    image_digests: dict[str, str]
    packages: dict[str, str]
    origin: str = "cold"
    limit: LimitHit | None = None
