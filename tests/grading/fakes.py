"""Engines that run nothing, for tests of everything around them."""

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.outcome import CheckFinished, CheckStarted, Phase, RunOutcome
from tests.grading.factories import make_check, make_outcome

OnEvent = Callable[[RunEvent], None]
ShouldStop = Callable[[], bool]


class FakeEngine:
    """Goes through the phases and reports `outcome`; what it was asked is kept.

    `on_run` is called in the midst of a run with the request, `on_event` and `should_stop`.
    """

    def __init__(
        self,
        outcome: RunOutcome | Exception | None = None,
        *,
        health: EngineHealth | None = None,
        on_run: Callable[[RunRequest, OnEvent, ShouldStop], None] | None = None,
    ) -> None:
        self.outcome = outcome or make_outcome()
        self.health_answer = health or EngineHealth(ok=True, message="fine", remedy="")
        self.on_run = on_run
        self.requests: list[RunRequest] = []
        self.sweeps: list[tuple[frozenset[str], int]] = []

    def run(self, request: RunRequest, *, on_event: OnEvent, should_stop: ShouldStop) -> RunOutcome:
        self.requests.append(request)
        on_event(Phase("starting"))
        if self.on_run:
            self.on_run(request, on_event, should_stop)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        on_event(Phase("app_starting"))
        on_event(Phase("checking"))
        for check in self.outcome.checks:
            on_event(CheckStarted(check.check_id))
            on_event(check)
        on_event(Phase("finishing"))
        return self.outcome

    def health(self) -> EngineHealth:
        return self.health_answer

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to let go of."""

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        self.sweeps.append((job_ids_alive, grace_seconds))
        return 0


class ScriptedEngine:
    """For workers in processes of their own: does what `grade.json` of the submission says.

    `fail`: ids of checks that fail. `seconds`: pause before each check. `status`: how the
    run ends. Without the file every check passes at once.
    """

    @classmethod
    def from_settings(cls, **options: Any) -> Self:  # noqa: ARG003 - the real engine's signature
        return cls()

    def run(self, request: RunRequest, *, on_event: OnEvent, should_stop: ShouldStop) -> RunOutcome:
        script = _script(request.submission_tar)
        for phase in ("starting", "app_starting", "checking"):
            on_event(Phase(phase))
        results: list[CheckFinished] = []
        for check in request.manifest["checks"]:
            on_event(CheckStarted(check["id"]))
            time.sleep(float(script.get("seconds", 0)))
            if should_stop():
                return make_outcome(status="infrastructure_error", checks=results)
            is_failed = check["id"] in script.get("fail", [])
            results.append(make_check(check["id"], "failed" if is_failed else "passed"))
            on_event(results[-1])
        on_event(Phase("finishing"))
        return make_outcome(
            status=script.get("status", "completed"), checks=results, seed=request.seed
        )

    def health(self) -> EngineHealth:
        return EngineHealth(ok=True, message="scripted", remedy="")

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to let go of."""

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        return 0


def _script(submission_tar: bytes) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(submission_tar)) as tar:
        for member in tar:
            if member.name.endswith("grade.json") and (file := tar.extractfile(member)):
                script: dict[str, Any] = json.load(file)
                return script
    return {}
