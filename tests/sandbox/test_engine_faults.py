"""An Engine that fails, in every way that one does: our fault, with its name, and over soon."""

from __future__ import annotations

import gc
import re
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from backpath.execution import docker_engine
from backpath.execution.docker_engine import (
    LABEL_OWNER,
    LABEL_ROLE,
    DockerEngine,
    SandboxSettings,
)
from backpath.execution.engine import RunEvent
from backpath.execution.outcome import CheckStarted, RunOutcome
from tests.docker_faults import DockerFaults, Fault, docker_faults, no_image, no_space
from tests.sandbox.factories import make_app, make_grader, make_manifest, make_request

pytestmark = [
    pytest.mark.docker,
    # The SDK forgets the socket of a connection that failed.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

CHECKS = ["a.quick", "a.slow"]
# The slow check leaves time for something to go wrong in its midst, and asks again afterwards.
GRADER = make_grader("""
    import time

    @check("a.quick")
    def test_quick(service):
        service.get("/x").expect_status(200)

    @check("a.slow")
    def test_slow(service):
        time.sleep(0.8)
        service.get("/x").expect_status(200)
""")
MANIFEST = make_manifest(CHECKS)
WARM_SECONDS = 60.0

Midway = Callable[[], object]


@dataclass
class Site:
    """An engine behind a proxy that can fail, and the real Engine to look at what is left."""

    engine: DockerEngine
    faults: DockerFaults
    docker: docker.DockerClient
    owner: str

    def run(self, midway: Midway | None = None) -> RunOutcome:
        """Run one honest submission; `midway` happens while its slow check sleeps."""
        timers: list[threading.Timer] = []

        def on_event(event: RunEvent) -> None:
            if midway and isinstance(event, CheckStarted) and event.check_id == "a.slow":
                timers.append(threading.Timer(0.2, midway))
                timers[-1].start()

        request = make_request(
            app=make_app(), grader=GRADER, manifest=MANIFEST, job_id=f"test-{uuid.uuid4()}"
        )
        outcome = self.engine.run(request, on_event=on_event, should_stop=lambda: False)
        for timer in timers:
            timer.join()
        return outcome

    def containers(self, **labels: str) -> list[str]:
        """Ids of this site's containers, whatever state they are in."""
        wanted = [f"{LABEL_OWNER}={self.owner}", *(f"{k}={v}" for k, v in labels.items())]
        found = self.docker.api.containers(all=True, filters={"label": wanted})
        return [entry["Id"] for entry in found]

    def remove(self, *ids: str) -> None:
        """Remove containers by hand, as an operator might."""
        for container in ids:
            with suppress(docker.errors.NotFound):
                self.docker.api.remove_container(container, force=True)

    def remove_role(self, role: str) -> None:
        """Remove the containers of one role by hand."""
        self.remove(*self.containers(**{LABEL_ROLE: role}))

    def attach_path(self, role: str) -> str:
        """The pattern of the request by which the containers of a role are attached to."""
        return "|".join(f"{one}/attach" for one in self.containers(**{LABEL_ROLE: role})) or "none"


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Make sites with an engine of their own; nothing of them may be left in the end."""
    sites: list[Site] = []
    client = docker.DockerClient.from_env()
    with docker_faults(tmp_path) as faults:

        def make(**settings: object) -> Site:
            owner = f"test-{uuid.uuid4()}"
            proxied = docker.DockerClient(base_url=faults.url, version="1.41", timeout=20)
            chosen = replace(SandboxSettings(owner=owner), **settings)
            sites.append(Site(DockerEngine(chosen, client=proxied), faults, client, owner))
            return sites[-1]

        yield make
        try:
            for site in sites:
                site.engine.close()
                assert site.containers() == []
        finally:
            for site in sites:
                site.remove(*site.containers())
            client.close()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()


@pytest.fixture
def cold(make_site: MakeSite) -> Site:
    """A site whose pool is off."""
    return make_site(pool_size=0)


@pytest.fixture
def warm(make_site: MakeSite) -> Site:
    """A site that has run once and holds a warm container for the next run."""
    site = make_site(pool_size=1)
    assert site.run().status == "completed"
    assert site.engine.wait_until_warm(WARM_SECONDS)
    return site


def assert_right(outcome: RunOutcome) -> None:
    """An honest run, complete and without a failure."""
    assert outcome.status == "completed", outcome.detail
    assert [(check.check_id, check.outcome) for check in outcome.checks] == [
        (check_id, "passed") for check_id in CHECKS
    ]


def assert_ours(outcome: RunOutcome, reason: str) -> None:
    """Our fault, with words in which an operator finds the cause."""
    assert outcome.status == "infrastructure_error", outcome
    assert re.search(reason, outcome.detail), outcome.detail


# Before anything runs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (no_space(), "no space left on device"),
        (no_space(r"/start$"), "no space left on device"),
        (no_image("backpath/sandbox-app:latest"), "No such image: backpath/sandbox-app"),
        (Fault("POST", "/containers/create", is_cut=True), "(?i)connection"),
        (Fault("POST", "/attach", is_cut=True), "(?i)connection|ended"),
        (Fault("POST", "/attach", status=500, message="cannot attach"), "cannot attach"),
        (Fault("GET", "/images/", status=500, message="layer is corrupt"), "layer is corrupt"),
    ],
    ids=["full-disk", "full-disk-at-start", "no-image", "cut", "cut-attach", "attach", "images"],
)
def test_a_run_that_cannot_begin_names_the_cause_and_leaves_nothing(
    cold: Site, fault: Fault, reason: str
) -> None:
    with cold.faults.having(fault):
        assert_ours(cold.run(), reason)
        assert fault.met

    assert_right(cold.run())


def test_a_container_whose_making_was_not_confirmed_is_swept(cold: Site) -> None:
    lost = Fault("POST", "/containers/create", is_answer_lost=True)
    with cold.faults.having(lost):
        assert_ours(cold.run(), "(?i)connection")
    time.sleep(1.1)
    cold.engine.settle()
    left = cold.containers()

    assert len(left) == 1
    sweeper = DockerEngine(replace(SandboxSettings(owner=cold.owner), pool_max_age_seconds=0.0))
    removed = sweeper.sweep(job_ids_alive=frozenset(), grace_seconds=0)
    sweeper.close()
    assert removed == 1


def test_a_slow_engine_is_waited_for(cold: Site) -> None:
    slow = Fault("POST", "/containers/create|/start$", delay_seconds=0.7)
    with cold.faults.having(slow):
        assert_right(cold.run())
    assert slow.met == 4


def test_an_engine_that_is_away_is_named_by_health_until_it_is_back(cold: Site) -> None:
    with cold.faults.away():
        health = cold.engine.health()
        assert_ours(cold.run(), "(?i)refused|connection")

    assert not health.ok
    assert re.search("No Docker Engine answers: .*(?i:refused|connection)", health.message)
    assert health.remedy
    assert cold.engine.health().ok
    assert_right(cold.run())


def test_a_missing_image_is_named_by_health_with_a_remedy(cold: Site) -> None:
    gone = Fault("GET", "/images/backpath/sandbox-runner", status=404, message="No such image")
    with cold.faults.having(gone):
        health = cold.engine.health()

    assert (health.ok, "sandbox-runner" in health.message) == (False, True)
    assert "./dev images" in health.remedy


# In the midst of a run ---------------------------------------------------------------------


@pytest.mark.parametrize("role", ["app", "runner"])
def test_an_attach_that_breaks_is_never_the_learners_fault(cold: Site, role: str) -> None:
    assert_ours(cold.run(lambda: cold.faults.cut(cold.attach_path(role))), f"{role}.*(ended|lost)")

    assert_right(cold.run())


@pytest.mark.parametrize("role", ["app", "runner"])
def test_a_container_removed_by_hand_is_never_the_learners_fault(cold: Site, role: str) -> None:
    assert_ours(cold.run(lambda: cold.remove_role(role)), f"{role}.*(ended|lost)")

    assert_right(cold.run())


def test_a_restarted_engine_costs_the_run_alone(cold: Site) -> None:
    def restart() -> None:
        cold.faults.restart(2.0, meanwhile=lambda: cold.remove(*cold.containers()))

    assert_ours(cold.run(restart), "ended|lost")
    assert_right(cold.run())


def test_an_engine_closed_while_docker_is_away_leaves_only_what_ends_and_is_swept(
    warm: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warm.faults.away():
        warm.engine.close()
    sweeper = DockerEngine(replace(SandboxSettings(owner=warm.owner), pool_max_age_seconds=0.0))
    # Their input has ended, so they end themselves, and the sweep need not know their age.
    monkeypatch.setattr(docker_engine, "EXITED_GRACE_SECONDS", 0)
    deadline = time.monotonic() + 20
    while warm.containers() and time.monotonic() < deadline:
        time.sleep(0.5)
        sweeper.sweep(job_ids_alive=frozenset(), grace_seconds=600)
    sweeper.close()

    assert warm.containers() == []


# With a pool -------------------------------------------------------------------------------


def test_a_warm_site_runs_warm(warm: Site) -> None:
    outcome = warm.run()

    assert_right(outcome)
    assert outcome.origin == "warm"


@pytest.mark.parametrize("role", ["app", "runner"])
def test_what_was_removed_while_it_waited_is_replaced(warm: Site, role: str) -> None:
    warm.remove_role(role)

    assert_right(warm.run())
    assert warm.engine.wait_until_warm(WARM_SECONDS)
    assert warm.run().origin == "warm"


@pytest.mark.parametrize("role", ["app", "runner"])
def test_what_was_removed_while_it_ran_is_replaced(warm: Site, role: str) -> None:
    assert_ours(warm.run(lambda: warm.remove_role(role)), f"{role}.*(ended|lost)")

    assert_right(warm.run())
    assert warm.engine.wait_until_warm(WARM_SECONDS)
    assert warm.run().origin == "warm"


def test_a_pool_survives_a_restarted_engine(warm: Site) -> None:
    warm.faults.restart(2.0, meanwhile=lambda: warm.remove(*warm.containers()))

    assert_right(warm.run())
    assert warm.engine.wait_until_warm(WARM_SECONDS)
    outcome = warm.run()
    assert_right(outcome)
    assert outcome.origin == "warm"


def test_an_attach_that_breaks_while_it_is_warm_costs_nothing(warm: Site) -> None:
    assert warm.faults.cut("/attach") > 0

    assert_right(warm.run())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (no_space(), "no space left on device"),
        (no_image("backpath/sandbox-app:latest"), "No such image"),
    ],
    ids=["full-disk", "no-image"],
)
def test_a_pool_that_cannot_refill_says_why_and_tries_less_and_less(
    warm: Site, fault: Fault, reason: str
) -> None:
    with warm.faults.having(fault):
        outcome = warm.run()
        assert_right(outcome)
        assert outcome.origin == "warm"
        time.sleep(5.5)
        met, health = fault.met, warm.engine.health()
        assert_ours(warm.run(), reason)

    # Tries after 0, 1, 3 and 7 seconds.
    assert 2 <= met <= 4
    assert re.search(reason, health.message), health
    assert_right(warm.run())
    assert warm.engine.wait_until_warm(WARM_SECONDS)
    assert warm.run().origin == "warm"
    assert not re.search(reason, warm.engine.health().message)
