"""The Docker Engine as a sandbox.

A job gets an app container, used once, with the submission; and a runner container, which has
pytest and the hidden tests of one job after the other, and no learner code. Nothing is shared
between the two but bytes that this process passes on.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import docker
import docker.errors

from backpath.execution.docker_containers import (
    APP_UID,
    ENGINE_ERRORS,
    LABEL_CREATED,
    LABEL_JOB,
    LABEL_OWNER,
    LABEL_ROLE,
    POOLED,
    RUNNER_UID,
    AppContainer,
    Container,
    Containers,
    RunnerContainer,
    SandboxSettings,
    SandboxUnavailable,
    hardening,
    reason_of,
)
from backpath.execution.engine import EngineHealth, RunEvent, RunRequest
from backpath.execution.flavours import FLAVOURS, flavour_of, preload_names, preload_of
from backpath.execution.outcome import Phase, RunOutcome
from backpath.execution.pool import Profile, WarmPool
from backpath.execution.protocol import load_schema
from backpath.execution.runners import Runners, Undertaker
from backpath.execution.session import Pair, Session
from backpath.execution.streams import Inbox

__all__ = [
    "APP_UID",
    "LABEL_CREATED",
    "LABEL_JOB",
    "LABEL_OWNER",
    "LABEL_ROLE",
    "RUNNER_UID",
    "DockerEngine",
    "SandboxSettings",
    "SandboxUnavailable",
    "hardening",
]

logger = logging.getLogger(__name__)

# A container that has exited belongs to nobody who still cares after this long.
EXITED_GRACE_SECONDS = 120
HEALTHY_SECONDS = 5.0


class DockerEngine:
    """Runs each job in a pair of containers, warm ones where the pool has them."""

    def __init__(
        self, settings: SandboxSettings, *, client: docker.DockerClient | None = None
    ) -> None:
        # An installation without the schema must not look like containers that end early.
        load_schema()
        self.settings = settings
        self._containers = Containers(settings, client)
        self._pool: WarmPool[AppContainer] = WarmPool(
            make=self._make_warm,
            dispose=self._containers.remove,
            max_size=settings.pool_size,
            max_memory_mb=settings.pool_memory_mb,
            max_age_seconds=settings.pool_max_age_seconds,
        )
        self._runners = Runners(self._containers, settings.runner_jobs)
        self._undertaker = Undertaker("sandbox-removal")
        self._healthy_until = 0.0

    @classmethod
    def from_settings(cls, **options: Any) -> DockerEngine:
        """Return an engine; `options` are the fields of SandboxSettings."""
        return cls(SandboxSettings(**options))

    def close(self) -> None:
        """Dispose of every container that waits, and let go of the Docker Engine."""
        self._pool.close()
        self._undertaker.settle()
        self._runners.close()
        self._undertaker.close()
        self._containers.close()

    # Engine protocol -------------------------------------------------------------------

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
    ) -> RunOutcome:
        """Run `request` in a pair of its own; faults of the engine become the outcome."""
        started_at = time.monotonic()
        on_event(Phase("starting"))
        preload = preload_names(request.submission_tar)
        profile = profile_of(request.manifest, flavour_of(preload))
        self._pool.run_began()
        try:
            warm = self._pool.take(profile)
            outcome, is_untouched = self._run_in_pair(
                request, profile, preload, warm, on_event, should_stop, started_at
            )
            if is_untouched and not should_stop():
                # A container that waited may have ended unseen. Nothing has begun: begin again.
                logger.warning("A waiting container was of no use: %s", outcome.detail[:300])
                outcome, _ = self._run_in_pair(
                    request, profile, preload, None, on_event, should_stop, started_at
                )
            return outcome
        finally:
            self._pool.run_ended()

    def _run_in_pair(
        self,
        request: RunRequest,
        profile: Profile,
        preload: list[str],
        warm: AppContainer | None,
        on_event: Callable[[RunEvent], None],
        should_stop: Callable[[], bool],
        started_at: float,
    ) -> tuple[RunOutcome, bool]:
        """Return the outcome, and whether it is our fault from before anything had begun."""
        session = None
        try:
            with self._pair(request, profile, warm) as pair:
                session = Session(
                    pair=pair,
                    request=request,
                    preload=preload,
                    on_event=on_event,
                    should_stop=should_stop,
                    started_at=started_at,
                )
                outcome = session.run()
        except SandboxUnavailable as error:
            outcome = self._unavailable(request, str(error), warm, started_at)
        is_ours = outcome.status == "infrastructure_error"
        if is_ours:
            self._healthy_until = 0.0
        has_waited = warm is not None or session is not None
        return outcome, is_ours and has_waited and not (session and session.has_begun)

    def health(self) -> EngineHealth:
        """Say whether jobs can run here."""
        if time.monotonic() < self._healthy_until and self._pool.last_error is None:
            return EngineHealth(ok=True, message=self._health_message(), remedy="")
        settings = self.settings
        try:
            self._containers.api.ping()
        except (*ENGINE_ERRORS, SandboxUnavailable) as error:
            return EngineHealth(
                ok=False,
                message=f"No Docker Engine answers: {reason_of(error)}",
                remedy="Start Docker, and let this user use its socket. `./dev doctor` tells more.",
            )
        for image in (settings.app_image, settings.runner_image):
            try:
                self._containers.image_id(image)
            except docker.errors.ImageNotFound:
                return EngineHealth(
                    ok=False,
                    message=f"The image {image} is missing.",
                    remedy="Build the sandbox images with `./dev images`.",
                )
            except (*ENGINE_ERRORS, SandboxUnavailable) as error:
                return EngineHealth(
                    ok=False, message=reason_of(error), remedy="See `./dev doctor`."
                )
        self._healthy_until = time.monotonic() + HEALTHY_SECONDS
        return EngineHealth(ok=True, message=self._health_message(), remedy="")

    def _health_message(self) -> str:
        message = "Docker and the sandbox images are there."
        if self._pool.is_at_work:
            message += f" {sum(self._pool.sizes().values())} app containers are warm."
        if self._pool.last_error is not None:
            message += f" No container could be warmed up lately: {self._pool.last_error}"
        return message

    def sweep(self, *, job_ids_alive: frozenset[str], grace_seconds: int) -> int:
        """Remove this owner's sandbox containers whose job is not in `job_ids_alive`.

        Containers younger than `grace_seconds` are left alone: their job may be just starting.
        Those of a pool, of this process or another, may be as old as a pool lets them be.
        """
        pooled_grace = grace_seconds + self.settings.pool_max_age_seconds

        def is_over(labels: dict[str, str], state: str, age: float) -> bool:
            if labels.get(LABEL_JOB) in job_ids_alive:
                return False
            if state in ("exited", "dead") and age > EXITED_GRACE_SECONDS:
                return True
            return age > (pooled_grace if labels.get(LABEL_JOB) == POOLED else grace_seconds)

        return self._containers.sweep(is_over)

    # Warmth ----------------------------------------------------------------------------

    def warm_up(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Begin to warm up for runs with these manifests, whichever framework they bring."""
        profiles = [
            profile_of(manifest, flavour)
            for manifest in manifests
            for flavour in FLAVOURS
            if flavour != "plain"
        ]
        self._pool.expect(profiles)

    def wait_until_warm(self, seconds: float) -> bool:
        """Wait until the pool holds what it wants to; return whether that came true in time."""
        return self._pool.wait_until_full(seconds)

    def settle(self) -> None:
        """Wait until every container of a finished run is gone, or ready for the next."""
        self._runners.settle()
        self._undertaker.settle()

    def _make_warm(self, profile: Profile) -> AppContainer:
        # The runner too is made before it is needed.
        self._runners.prepare()
        return self._containers.make_warm_app(profile, preload_of(profile.flavour))

    # The pair --------------------------------------------------------------------------

    @contextmanager
    def _pair(
        self, request: RunRequest, profile: Profile, warm: AppContainer | None
    ) -> Iterator[Pair]:
        """Have an app container and a runner; let go of both, whatever happens."""
        inbox: Inbox = queue.Queue()
        app: AppContainer | None = warm
        runner: RunnerContainer | None = None
        try:
            digests = self._digests(profile)
            runner = self._runners.take()
            if app is None:
                app = self._containers.make_app(profile, request.job_id)
            since = time.time()
            app.stream.begin_run(inbox, runner.stream.send_payload)
            runner.stream.begin_run(inbox, app.stream.send_payload)
            members: dict[str, Container] = {"app": app, "runner": runner}
            pair = Pair(
                app=app.stream,
                runner=runner.stream,
                inbox=inbox,
                image_digests=digests,
                packages={"python": app.python, **app.packages},
                was_out_of_memory=lambda role: self._containers.was_out_of_memory(
                    members[role], since
                ),
                usage=lambda: self._containers.usage(members["app"]),
                origin="cold" if warm is None else "warm",
            )
            yield pair
            if pair.runner_is_reusable:
                self._runners.give_back(runner)
                runner = None
        finally:
            if app is not None:
                self._leave_behind(app)
            if runner is not None:
                self._runners.discard(runner)

    def _leave_behind(self, container: Container) -> None:
        self._undertaker.add(lambda: self._containers.remove(container))

    def _digests(self, profile: Profile) -> dict[str, str]:
        settings = self.settings
        app = settings.app_services_image if profile.services else settings.app_image
        try:
            return {
                "app": self._containers.image_id(app),
                "runner": self._containers.image_id(settings.runner_image),
            }
        except ENGINE_ERRORS as error:
            raise SandboxUnavailable(reason_of(error)) from error

    def _unavailable(
        self, request: RunRequest, detail: str, warm: AppContainer | None, started_at: float
    ) -> RunOutcome:
        return RunOutcome(
            status="infrastructure_error",
            checks=[],
            detail=detail,
            app_log_tail="",
            seed=request.seed,
            timings={"total": time.monotonic() - started_at},
            image_digests={},
            packages={},
            origin="cold" if warm is None else "warm",
        )


def profile_of(manifest: dict[str, Any], flavour: str) -> Profile:
    """Return what a container for runs with `manifest` has to be like."""
    limits = manifest["limits"]
    return Profile(
        flavour=flavour,
        memory_mb=int(limits["app_memory_mb"]),
        pids=int(limits["app_pids"]),
        cpus=float(limits["app_cpus"]),
        services=tuple(sorted(manifest.get("services") or ())),
    )
