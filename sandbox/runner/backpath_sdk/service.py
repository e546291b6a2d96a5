"""The `service` fixture: the learner's app as a running server."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from backpath_sdk.control import ANSWER_SECONDS, AgentClient
from backpath_sdk.expectations import CheckFailed, ServiceUnavailable
from backpath_sdk.http import Exchange, HttpClient, Response

HEALTH_PATH = "/health"
HEALTH_SECONDS = 2.0
POLL_SECONDS = 0.02
LOG_LINES = 50
MAX_PORT = 65535


class NotReady(ServiceUnavailable):
    """The service did not become ready; `log_tail` holds what it printed last."""

    def __init__(self, message: str, log_tail: str) -> None:
        super().__init__(message, actual=log_tail or None)
        self.log_tail = log_tail


def exit_text(code: object) -> str:
    """Say how a process ended, from its exit code (negative: the signal that killed it)."""
    if isinstance(code, int) and code < 0:
        try:
            return f"it was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was killed by signal {-code}"
    return f"it exited with code {code}"


class Service:
    """The learner's service: one process and one DATA_DIR a group of checks.

    Requests go to the running process; every exchange of a check is kept for its report. When
    the process has died, the next check gets a new one on the same DATA_DIR, so that one crash
    fails one check.
    """

    def __init__(
        self,
        *,
        ready_seconds: float,
        on_state: Callable[[str, str, float, str], None],
    ) -> None:
        self._agent = AgentClient()
        self._ready_seconds = ready_seconds
        self._on_state = on_state
        self._group: str | None = None
        self._client = HttpClient(0)
        self._exchanges: list[Exchange] = self._client.exchanges
        self._running = False
        self.was_ever_ready = False

    # What checks use -----------------------------------------------------------------

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Send a request; see `HttpClient.request` for the options."""
        return self._client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> Response:
        """Send GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> Response:
        """Send HEAD."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> Response:
        """Send OPTIONS."""
        return self.request("OPTIONS", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        """Send POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Response:
        """Send PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Response:
        """Send PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Response:
        """Send DELETE."""
        return self.request("DELETE", path, **options)

    def restart(self) -> None:
        """Stop the service and start it again on the same DATA_DIR.

        Raises NotReady (a CheckFailed) when it does not become ready again.
        """
        self._start(fresh=False)

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """Return the last lines that the service printed."""
        return str(self._agent.ask("log", lines=lines).get("text", ""))[-16000:]

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Leave the requests inside out of the report, unless one of them fails the check."""
        before = list(self._client.exchanges)
        yield
        self._client.exchanges[:] = before

    # What the plugin uses --------------------------------------------------------------

    def begin_check(self, group: str) -> None:
        """Make the service ready for a check of `group`. Raises NotReady."""
        self._client.exchanges.clear()
        if group != self._group:
            self._start(fresh=True, group=group)
            self._group = group
        elif not self._running or not self._is_alive():
            self._revive()

    def exchanges(self) -> list[Exchange]:
        """Return the exchanges of the check that runs."""
        return self._client.exchanges

    def reconnect(self) -> None:
        """Talk to the agent anew, after a check was interrupted in the middle of a question."""
        self._agent.close()
        self._agent = AgentClient()
        self._running = False

    def close(self) -> None:
        """Let go of the agent; the service ends with its container."""
        self._agent.close()

    def explain_death(self) -> str | None:
        """Say how the service ended, if it has."""
        status = self._agent.ask("status")
        return None if status.get("running") else exit_text(status.get("exit_code"))

    def _is_alive(self) -> bool:
        return bool(self._agent.ask("status").get("running"))

    def _revive(self) -> None:
        try:
            self._start(fresh=False)
        except NotReady:
            # What it stored keeps it from starting: that was one check's failure, not the next's.
            self._start(fresh=True)

    def _start(self, *, fresh: bool, group: str | None = None) -> None:
        name = group or self._group or ""
        self._running = False
        self._on_state("starting", name, 0.0, "")
        started = time.monotonic()
        deadline = started + self._ready_seconds
        try:
            self._client.port = self._start_process(fresh)
            self._wait_until_ready(deadline, self._client.port)
        except ServiceUnavailable as failure:
            self._on_state("not_ready", name, time.monotonic() - started, failure.message)
            raise
        self._running = True
        self.was_ever_ready = True
        self._on_state("ready", name, time.monotonic() - started, "")

    def _start_process(self, fresh: bool) -> int:
        """Have the process started; return the port once somebody listens on it, or in vain."""
        answer = self._agent.ask(
            "start",
            seconds_to_answer=self._ready_seconds + ANSWER_SECONDS,
            fresh=fresh,
            seconds=self._ready_seconds,
        )
        port = answer.get("port")
        if not answer.get("ok") or not isinstance(port, int) or not 0 < port <= MAX_PORT:
            raise NotReady(str(answer.get("error", "it could not be started"))[:2000], "")
        if not answer.get("listening") and not answer.get("running"):
            raise self._died(answer.get("exit_code"))
        return port

    def _died(self, exit_code: object) -> NotReady:
        return NotReady(
            f"Your service did not start: {exit_text(exit_code)} before it answered "
            f"GET {HEALTH_PATH}.",
            self.log_tail(),
        )

    def _wait_until_ready(self, deadline: float, port: int) -> None:
        probe = HttpClient(port)
        last = "nothing listened on the port"
        next_status = time.monotonic() + 0.1
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                answer = probe.request(
                    "GET", HEALTH_PATH, timeout_seconds=min(left, HEALTH_SECONDS), record=False
                )
                if answer.status == 200:
                    return
                last = f"GET {HEALTH_PATH} answered {answer.status} instead of 200"
            except CheckFailed as failure:
                if "refused" not in failure.message:
                    last = failure.message.rstrip(".")
            if time.monotonic() >= next_status:
                next_status = time.monotonic() + 0.1
                status = self._agent.ask("status")
                if not status.get("running"):
                    raise self._died(status.get("exit_code"))
            time.sleep(POLL_SECONDS)
        raise NotReady(
            f"Your service was not ready within {self._ready_seconds:g} s: {last}.",
            self.log_tail(),
        )
