"""An engine that runs nothing and reports what the submission's own `stage.json` says.

For browser tests and pictures: a report of any kind can be brought about by handing in files,
without Docker. Keys, all optional: `seconds` before each check, `status` of the run,
`checks` (check id -> fields of its result), `stop_after` (number of checks), `log`, `limit`
(fields of the LimitHit), `fault` (true: the engine itself breaks).
"""

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.outcome import (
    CheckFinished,
    CheckStarted,
    LimitHit,
    Phase,
    RunOutcome,
)

PACKAGES = {"python": "3.13.5", "flask": "3.1.3", "sqlalchemy": "2.0.44", "waitress": "3.0.2"}
DIGESTS = {"app": "sha256:" + "5a" * 32, "runner": "sha256:" + "c3" * 32}


class StagedEngine:
    """See the module's docstring."""

    @classmethod
    def from_settings(cls, **_options: Any) -> Self:
        return cls()

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        stage = _stage(request.submission_tar)
        if stage.get("fault"):
            raise RuntimeError("the stage says so")
        pause = float(stage.get("seconds", 0))
        on_event(Phase("starting"))
        time.sleep(pause)
        on_event(Phase("app_starting"))
        time.sleep(pause)
        results: list[CheckFinished] = []
        specs = request.manifest["checks"][: stage.get("stop_after")]
        if specs:
            on_event(Phase("checking"))
        for place, spec in enumerate(specs):
            if should_stop():
                break
            on_event(CheckStarted(spec["id"]))
            time.sleep(pause)
            results.append(_result(spec["id"], stage.get("checks", {}), place))
            on_event(results[-1])
        on_event(Phase("finishing"))
        return RunOutcome(
            status=stage.get("status", "completed"),
            checks=results,
            detail="",
            app_log_tail=stage.get("log", ""),
            seed=request.seed,
            timings={"sandbox": 0.62, "app_start": 1.08, "checks": 9.42, "total": 11.3},
            image_digests=DIGESTS,
            packages=PACKAGES,
            limit=LimitHit(**stage["limit"]) if "limit" in stage else None,
        )

    def health(self) -> EngineHealth:
        return EngineHealth(ok=True, message="staged", remedy="")

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to let go of."""

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        return 0


def _result(check_id: str, staged: dict[str, dict[str, Any]], place: int) -> CheckFinished:
    fields: dict[str, Any] = {
        "outcome": "passed",
        "message": "",
        "expected": None,
        "actual": None,
        "duration_ms": 7 + place * 5 % 40,
        "exchanges": [],
        "output": "",
    }
    return CheckFinished(check_id=check_id, **(fields | staged.get(check_id, {})))


def _stage(submission_tar: bytes) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(submission_tar)) as tar:
        for member in tar:
            if member.name == "stage.json" and (file := tar.extractfile(member)):
                stage: dict[str, Any] = json.load(file)
                return stage
    return {}
