"""The contract between grading and whatever runs containers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from backpath.execution.outcome import CheckFinished, CheckStarted, Phase, RunOutcome

RunEvent = Phase | CheckStarted | CheckFinished


@dataclass(frozen=True)
class RunRequest:
    """One run of one grader against one submission.

    Both archives are plain tar bytes. `manifest` holds the keys `checks`, `groups`, `limits`
    and `services` of the assignment's own file. The same `seed` gives the same random values.
    """

    job_id: str
    submission_tar: bytes
    grader_tar: bytes
    manifest: dict[str, Any]
    seed: int


@dataclass(frozen=True)
class EngineHealth:
    """Whether runs are possible now; `message` and `remedy` are for operators."""

    ok: bool
    message: str
    remedy: str


class Engine(Protocol):
    """Runs graders in a sandbox."""

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        """Run once and return how it ended.

        `on_event` is called in order and one at a time while the run goes on.
        When `should_stop` turns true the run is abandoned, its containers are removed,
        and the outcome is an `infrastructure_error`. Faults of the sandbox are
        outcomes too; an exception means a bug or a missing engine.
        """

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Prepare, in the background, for runs with these manifests."""

    def close(self) -> None:
        """Let go of everything that waits for a run."""

    def health(self) -> EngineHealth:
        """Say whether the engine and its images are there. Never raises."""

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        """Remove containers of jobs that are not alive and older than the grace.

        Returns how many were removed.
        """
