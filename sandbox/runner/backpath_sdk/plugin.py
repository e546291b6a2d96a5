"""The pytest plugin of the runner: which tests decide which checks, in which order, within which
time, and what the platform is told while they run.

The model is pytest's own junitxml plugin: one reporter collects what a test's phases say and
speaks once the test is over.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Generator, Iterator
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from backpath_sdk import link
from backpath_sdk.expectations import CheckFailed, CheckTimedOut, NotReached
from backpath_sdk.http import Exchange
from backpath_sdk.learner import LearnerImports, LearnerPlugin, Limits
from backpath_sdk.ordering import BadManifest, ordered_checks
from backpath_sdk.randomness import Rng
from backpath_sdk.service import NotReady, Service
from wire.frames import encode_json

SHOWN_EXCHANGES = 5
LOG_LINES = 25
MESSAGE_CHARS = 4000
TEXT_CHARS = 16000
HIDDEN_MESSAGE = "This check did not pass. What it sends is not shown; its purpose and hints are."
BROKEN_MESSAGE = "The check itself broke. That is our mistake, not yours."
CHECK = pytest.StashKey[dict[str, Any]]()
# Worst first: what a check with several tests is called after.
SEVERITY = ["grader_error", "timed_out", "learner_error", "failed", "not_reached", "passed"]


def cut(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with a notice that says so."""
    if len(text) <= limit:
        return text
    notice = f"\n… cut here: {len(text)} characters in all"
    return text[: limit - len(notice)] + notice


class GraderPlugin:
    """Runs the checks of one job and writes their frames to `frames_fd`."""

    def __init__(self, job: dict[str, Any], frames_fd: int) -> None:
        self._job = job
        self._fd = frames_fd
        self._service: Service | None = None
        self._verdicts: dict[str, str] = {}
        self._gates = {group["id"] for group in job["groups"] if group["gate"]}
        self._closed_gate: str | None = None
        self._app_not_ready: NotReady | None = None
        self._grader_errors: list[str] = []
        self._deadline: float | None = None
        self._timed_out = False
        self._current: _CheckRun | None = None

    # Frames ----------------------------------------------------------------------------

    def _write(self, message: dict[str, Any]) -> None:
        data = memoryview(encode_json(message))
        while data:
            data = data[os.write(self._fd, data) :]

    def _service_state(self, state: str, group: str, seconds: float, detail: str) -> None:
        frame: dict[str, Any] = {
            "type": "service",
            "state": state,
            "group": group[:60],
            "seconds": round(seconds, 4),
        }
        if detail:
            frame["detail"] = cut(detail, MESSAGE_CHARS)
        self._write(frame)
        if state == "ready" and self._deadline is None:
            # The clock of the checks starts when the app is ready, not before.
            self._deadline = time.monotonic() + float(self._job["wall_seconds"])

    def finish(self, pytest_exit_code: int) -> None:
        """Write the closing frame, once pytest is through."""
        missing = [c["id"] for c in self._job["checks"] if c["id"] not in self._verdicts]
        log_tail = ""
        if self._service is not None:
            try:
                log_tail = self._service.log_tail()
                self._service.close()
            except CheckFailed:
                pass
        detail = "\n\n".join(self._grader_errors)
        if self._app_not_ready is not None:
            status, detail = "app_not_ready", self._app_not_ready.message
            log_tail = self._app_not_ready.log_tail or log_tail
        elif self._timed_out:
            status, detail = "timed_out", f"{len(missing)} checks were not run"
        elif self._grader_errors or pytest_exit_code not in (0, 1) or missing:
            status = "grader_error"
            detail = detail or f"pytest exit code {pytest_exit_code}; no verdict for {missing}"
        else:
            status = "completed"
        self._write(
            {
                "type": "end",
                "status": status,
                "checks": len(self._verdicts),
                "detail": cut(detail, TEXT_CHARS),
                "app_log_tail": cut(log_tail, TEXT_CHARS),
            }
        )

    # Collection ------------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker, and the proxies of learner modules."""
        config.addinivalue_line("markers", "backpath_check(id): the check that a test decides")
        plugins = config.pluginmanager
        if not any(isinstance(plugin, LearnerPlugin) for plugin in plugins.get_plugins()):
            limits = Limits(call_seconds=float(self._job["check_seconds"]))
            imports = LearnerImports(lambda: link.connect({"to": "modules"}), limits=limits)
            plugins.register(LearnerPlugin(imports), "learner")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bind tests to checks and put them in running order."""
        try:
            checks = ordered_checks(self._job)
            bound = _bind(items, {check["id"] for check in checks})
        except BadManifest as error:
            self._grader_errors.append(str(error))
            items.clear()
            return
        items.clear()
        for check in checks:
            run = _CheckRun(check, len(bound[check["id"]]))
            for item in bound[check["id"]]:
                item.stash[CHECK] = {"check": check, "run": run}
                items.append(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A grader that cannot be imported is the author's mistake."""
        if report.failed:
            self._grader_errors.append(f"{report.nodeid}: {report.longreprtext}")

    # Running ---------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test: start its check's clock, run it, tell what came out."""
        run: _CheckRun = item.stash[CHECK]["run"]
        self._current = run
        if not run.is_started:
            run.is_started = True
            if self._service is not None:
                self._service.exchanges().clear()
            self._write({"type": "check_started", "check_id": run.check["id"]})
        try:
            return (yield)
        finally:
            run.remaining -= 1
            if run.remaining == 0 and not self._timed_out and self._app_not_ready is None:
                self._finish_check(run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Refuse a check whose needs did not pass."""
        check = item.stash[CHECK]["check"]
        if self._closed_gate is not None and check["group"] != self._closed_gate:
            raise NotReached("Not run: your service has to start and answer first.")
        unmet = [need for need in check["requires"] if self._verdicts.get(need) != "passed"]
        if unmet:
            raise NotReached(f"Not run: it needs {', '.join(unmet)} to pass first.")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Run the test's body against the check's own clock."""
        run: _CheckRun = item.stash[CHECK]["run"]
        run.begin()
        self._arm(self._seconds_left(run))
        try:
            return (yield)
        finally:
            self._arm(0)
            run.pause()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what a phase of the test says about its check."""
        report: pytest.TestReport = yield
        run: _CheckRun = item.stash[CHECK]["run"]
        run.reported += call.when == "call"
        if call.excinfo is not None:
            run.note(call.excinfo, self)
        if self._app_not_ready is not None or self._timed_out:
            item.session.shouldstop = "the run is over"
        return report

    def _seconds_left(self, run: _CheckRun) -> float:
        left = float(self._job["check_seconds"]) - run.seconds
        if self._deadline is not None:
            left = min(left, self._deadline - time.monotonic())
        return max(left, 0.001)

    def _arm(self, seconds: float) -> None:
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _on_alarm(self, _signum: int, _frame: FrameType | None) -> None:
        raise CheckTimedOut(f"The check took longer than {self._job['check_seconds']:g} s.")

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline - 0.01

    def _finish_check(self, run: _CheckRun) -> None:
        check = run.check
        run.require_reports()
        self._verdicts[check["id"]] = run.outcome
        if (
            run.outcome != "passed"
            and check["group"] in self._gates
            and check["blocking"]
            and self._closed_gate is None
        ):
            self._closed_gate = check["group"]
        frame = {
            "type": "check_finished",
            "check_id": check["id"],
            "outcome": run.outcome,
            "message": cut(run.message, MESSAGE_CHARS),
            "duration_ms": int(run.seconds * 1000),
        }
        if run.outcome == "grader_error":
            self._grader_errors.append(f"{check['id']}: {run.operator_detail}")
        elif run.outcome not in ("passed", "not_reached") and not check["hidden"]:
            exchanges = self._service.exchanges()[-SHOWN_EXCHANGES:] if self._service else []
            frame |= {
                "expected": None if run.expected is None else cut(run.expected, TEXT_CHARS),
                "actual": None if run.actual is None else cut(run.actual, TEXT_CHARS),
                "output": cut(self._log_of(exchanges), TEXT_CHARS),
                "exchanges": [exchange.as_frame() for exchange in exchanges],
            }
        self._write(frame)

    def note_exception(self, error: BaseException) -> None:
        """Remember what ends the whole run rather than one check."""
        if isinstance(error, NotReady) and not (self._service and self._service.was_ever_ready):
            self._app_not_ready = error
        elif isinstance(error, CheckTimedOut):
            self._timed_out = self._is_over()
            if self._service is not None and not self._timed_out:
                self._service.reconnect()

    def explain_crash(self, run: _CheckRun) -> None:
        """Add to a failure that the service died of it."""
        try:
            death = self._service.explain_death() if self._service else None
        except CheckFailed as failure:
            death = failure.message.rstrip(".")
        if death is not None:
            run.message += f" Your service is gone: {death}."

    def _log_of(self, exchanges: list[Exchange]) -> str:
        """Return what the service printed last, where its answer says that it broke."""
        if self._service is None or not exchanges:
            return ""
        status = exchanges[-1].status
        if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return ""
        try:
            return self._service.log_tail(LOG_LINES)
        except CheckFailed:
            return ""

    # Fixtures --------------------------------------------------------------------------

    @pytest.fixture
    def service(self, request: pytest.FixtureRequest) -> Service:
        """The learner's app as a running server: one process and one DATA_DIR a group."""
        if self._service is None:
            self._service = Service(
                ready_seconds=float(self._job["ready_seconds"]), on_state=self._service_state
            )
        self._service.begin_check(request.node.stash[CHECK]["check"]["group"])
        return self._service

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> Rng:
        """Random values seeded by the job and the check."""
        return Rng(f"{self._job['seed']}:{request.node.stash[CHECK]['check']['id']}")


def _bind(items: list[pytest.Item], check_ids: set[str]) -> dict[str, list[pytest.Item]]:
    """Return the tests of each check. Raises BadManifest unless every check has one."""
    bound: dict[str, list[pytest.Item]] = {check_id: [] for check_id in check_ids}
    problems = []
    for item in items:
        marker = item.get_closest_marker("backpath_check")
        if marker is None:
            problems.append(f"{item.nodeid} decides no check: it needs @check(...)")
        elif marker.args[0] not in bound:
            problems.append(f"{item.nodeid} decides the unknown check {marker.args[0]}")
        else:
            bound[marker.args[0]].append(item)
    problems += [f"no test decides {check_id}" for check_id in check_ids if not bound[check_id]]
    counts = Counter(problems)
    if problems:
        raise BadManifest("\n".join(sorted(counts)))
    return bound


class _CheckRun:
    """What is known of one check while its tests run."""

    def __init__(self, check: dict[str, Any], tests: int) -> None:
        self.check = check
        self.remaining = self._tests = tests
        self.reported = 0
        self.is_started = False
        self.outcome = "passed"
        self.message = ""
        self.expected: str | None = None
        self.actual: str | None = None
        self.operator_detail = ""
        self.seconds = 0.0
        self._since = 0.0

    def require_reports(self) -> None:
        """Without a report of each of its tests a check has not passed, whatever happened."""
        if self.outcome == "passed" and self.reported < self._tests:
            self.outcome = "grader_error"
            self.message = BROKEN_MESSAGE
            self.operator_detail = f"{self.reported} of {self._tests} tests have a report"

    def begin(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> None:
        self.seconds += time.monotonic() - self._since

    def note(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        plugin: GraderPlugin,
    ) -> None:
        error = excinfo.value
        plugin.note_exception(error)
        outcome = _outcome_of(error)
        if SEVERITY.index(outcome) >= SEVERITY.index(self.outcome):
            return
        self.outcome = outcome
        if outcome == "grader_error":
            self.message = BROKEN_MESSAGE
            lines = traceback.format_exception(error)
            self.operator_detail = "".join(lines)[-6000:]
            return
        if isinstance(error, CheckFailed):
            self.message = error.message
            self.expected, self.actual = error.expected, error.actual
            if outcome == "learner_error" and not isinstance(error, NotReady):
                plugin.explain_crash(self)
        elif isinstance(error, AssertionError):
            self.message = HIDDEN_MESSAGE if self.check["hidden"] else _assertion_text(error)
        else:
            self.message = str(error)


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, CheckFailed | CheckTimedOut | NotReached):
        return error.outcome
    return "failed" if isinstance(error, AssertionError) else "grader_error"


def _assertion_text(error: AssertionError) -> str:
    """Return pytest's explanation of a bare assert, without paths into the grader."""
    text = str(error) or "The check's assertion does not hold."
    return text.replace(str(Path("/grader")), "grader")
