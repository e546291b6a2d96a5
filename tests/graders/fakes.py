"""An engine that runs nothing and follows what a solution says about itself."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.outcome import CheckFinished, RunOutcome


class ScriptedEngine:
    """Reads `script.json` of the submission, which may hold:

    `fail`: check id -> message of a check that fails. `error`: ids with a grader error.
    `skip`: ids that are not reached for no reason. `status`: how the run ends.
    `only_in_run`: the script counts in this run of the solution alone, from 1; in the others
    everything passes. Checks whose `requires` did not pass, and everything behind a closed gate,
    are not reached, as in the real runner. Without a Procfile nothing starts.
    """

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self._runs: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        with self._lock:
            self.requests.append(request)
            self._runs[request.submission_tar] += 1
            run = self._runs[request.submission_tar]
        files = _files(request.submission_tar)
        if "Procfile" not in files:
            return make_run_outcome(request, status="app_not_ready", detail="There is no Procfile.")
        script = json.loads(files["script.json"])
        if script.get("only_in_run", run) != run:
            script = {}
        if script.get("status", "completed") != "completed":
            return make_run_outcome(request, status=script["status"], detail="It broke.")
        return make_run_outcome(request, checks=_follow(request.manifest, script))

    def health(self) -> EngineHealth:
        return EngineHealth(ok=True, message="scripted", remedy="")

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to let go of."""

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        return 0


def _follow(manifest: dict[str, Any], script: dict[str, Any]) -> list[CheckFinished]:
    gates = {group["id"] for group in manifest["groups"] if group["gate"]}
    closed: str | None = None
    outcomes: dict[str, str] = {}
    results = []
    for check in manifest["checks"]:
        group = check["id"].partition(".")[0]
        message = script.get("fail", {}).get(check["id"], "")
        if closed not in (None, group) or any(outcomes[n] != "passed" for n in check["requires"]):
            outcome, message = "not_reached", "Not run."
        elif check["id"] in script.get("skip", []):
            outcome = "not_reached"
        elif check["id"] in script.get("error", []):
            outcome = "grader_error"
        else:
            outcome = "failed" if message else "passed"
        if outcome == "failed" and check["blocking"] and group in gates:
            closed = group
        outcomes[check["id"]] = outcome
        results.append(make_finished(check["id"], outcome, message))
    return results


def make_finished(check_id: str, outcome: str, message: str = "") -> CheckFinished:
    """One check's verdict."""
    return CheckFinished(
        check_id=check_id,
        outcome=outcome,
        message=message,
        expected=None,
        actual=None,
        duration_ms=1,
        exchanges=[],
        output="",
    )


def make_run_outcome(
    request: RunRequest,
    *,
    status: str = "completed",
    checks: list[CheckFinished] | None = None,
    detail: str = "",
) -> RunOutcome:
    """How a run of `request` ended."""
    return RunOutcome(
        status=status,
        checks=checks or [],
        detail=detail,
        app_log_tail="",
        seed=request.seed,
        timings={"total": 0.0},
        image_digests={},
        packages={},
    )


def _files(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {
            member.name: file.read() for member in archive if (file := archive.extractfile(member))
        }
