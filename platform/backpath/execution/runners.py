"""What outlives a single run: runner containers that serve again, and the cleaning up.

No verdict waits for either: both have threads of their own.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from backpath.execution.docker_containers import Containers, RunnerContainer
from backpath.execution.streams import Closed, Inbox

logger = logging.getLogger(__name__)

RUNNER_IDLE_SECONDS = 10.0
# Making a runner takes about as long as this.
CLEANING_SECONDS = 0.3
# How many containers may wait to be removed before a run waits for one to go.
MAX_LEFT_BEHIND = 8


class Undertaker:
    """Does what comes after a run in a thread of its own, so that no verdict waits for it."""

    CLOSE_SECONDS = 90

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: queue.Queue[Callable[[], object] | None] = queue.Queue(MAX_LEFT_BEHIND)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def add(self, task: Callable[[], object]) -> None:
        """Do `task` soon; waits where too much is left to do already."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        self._tasks.put(task)

    def settle(self) -> None:
        """Wait until everything is done."""
        self._tasks.join()

    def close(self) -> None:
        """Do everything, then end."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join(timeout=self.CLOSE_SECONDS)

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                if task is None:
                    return
                task()
            except Exception:
                # The sweep will find what stayed; the thread has to live for the next one.
                logger.exception("Could not clean up after a run")
            finally:
                self._tasks.task_done()


class Runners:
    """The runner containers of one engine: at work, coming clean, or waiting."""

    def __init__(self, containers: Containers, jobs_each: int) -> None:
        self._containers = containers
        self._jobs_each = jobs_each
        self._idle: list[RunnerContainer] = []
        self._at_work = 0
        self._cleaning = 0
        self._changed = threading.Condition()
        self._undertaker = Undertaker("sandbox-runners")

    def prepare(self) -> None:
        """Have one waiting."""
        with self._changed:
            if self._idle or self._cleaning or self._at_work:
                return
        self._keep(self._containers.make_runner())

    def take(self) -> RunnerContainer:
        """Return a runner for one job. Raises SandboxUnavailable."""
        deadline = time.monotonic() + CLEANING_SECONDS
        with self._changed:
            self._at_work += 1
            # One that is coming clean is nearer than a new one.
            while not self._idle and self._cleaning >= self._at_work:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            found, dead = self._pop_living()
        for runner in dead:
            self._undertaker.add(functools.partial(self._containers.remove, runner))
        if found is None:
            try:
                found = self._containers.make_runner()
            except BaseException:
                self._let_go()
                raise
        found.jobs += 1
        return found

    def give_back(self, runner: RunnerContainer) -> None:
        """Let the runner serve again once it has said that nothing of its job is left."""
        inbox: Inbox = queue.Queue()
        runner.stream.end_run(inbox)
        with self._changed:
            self._at_work -= 1
            self._cleaning += 1
        self._undertaker.add(lambda: self._await_idle(runner, inbox))

    def discard(self, runner: RunnerContainer) -> None:
        """Remove a runner that did not end its job in order."""
        self._let_go()
        self._undertaker.add(lambda: self._containers.remove(runner))

    def settle(self) -> None:
        """Wait until none is coming clean or being removed."""
        self._undertaker.settle()

    def close(self) -> None:
        """Remove those that wait."""
        self._undertaker.close()
        with self._changed:
            idle, self._idle = self._idle, []
        for runner in idle:
            self._containers.remove(runner)

    def _let_go(self) -> None:
        with self._changed:
            self._at_work -= 1

    def _pop_living(self) -> tuple[RunnerContainer | None, list[RunnerContainer]]:
        """Return one that lives, if any waits, and those that were found dead on the way."""
        dead: list[RunnerContainer] = []
        while self._idle:
            runner = self._idle.pop()
            if runner.is_alive:
                return runner, dead
            dead.append(runner)
        return None, dead

    def _await_idle(self, runner: RunnerContainer, inbox: Inbox) -> None:
        is_clean = False
        try:
            with suppress(queue.Empty):
                _, message = inbox.get(timeout=RUNNER_IDLE_SECONDS)
                is_clean = not isinstance(message, Closed) and message["type"] == "idle"
            if not is_clean:
                logger.warning("A runner container did not come clean and is replaced")
        finally:
            with self._changed:
                self._cleaning -= 1
                is_spare = len(self._idle) > self._at_work
                self._changed.notify_all()
        if is_clean and runner.jobs < self._jobs_each and not is_spare:
            self._keep(runner)
        else:
            self._containers.remove(runner)

    def _keep(self, runner: RunnerContainer) -> None:
        with self._changed:
            self._idle.append(runner)
            self._changed.notify_all()
