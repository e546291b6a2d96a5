"""The real thing: solutions uploaded on the page, graded by a Celery worker in the sandbox.

Solutions of `articles-rest` go this way and are judged by the rules that `./dev check` applies
to runs of its own: the references, the starter and a sample of the wrong ones, or all of them
with `BACKPATH_TEST_ALL_SOLUTIONS=1`, which takes a while.
"""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import docker
import pytest

from backpath.catalog.assignment_files import read_assignments
from backpath.catalog.files import ContentFiles
from backpath.catalog.tree import AssignmentContent
from backpath.cli.proof import AssignmentProof, Trial
from backpath.cli.proof_rules import judge
from backpath.cli.solutions import Solution, read_solutions
from backpath.execution.docker_engine import LABEL_JOB
from tests.endtoend.learner import Learner
from tests.endtoend.stack import Stack, running_stack, wait_for
from tests.servers import postgres_server, redis_server

pytestmark = [pytest.mark.endtoend, pytest.mark.docker]

ROOT = Path(__file__).resolve().parents[2]
SLUG = "articles-rest"
PASSWORD = "a long enough secret"
ENGINE = "backpath.execution.docker_engine.DockerEngine"
# A busy machine may starve a thread for seconds; that is not what these tests are about.
PATIENCE = {"BACKPATH_ENGINE": ENGINE, "BACKPATH_LEASE_SECONDS": "10"}
LEARNERS = 3
TAKES_ALL = os.environ.get("BACKPATH_TEST_ALL_SOLUTIONS") == "1"
EVERY = 8


@pytest.fixture(scope="module")
def assignment() -> AssignmentContent:
    return next(one for one in read_assignments(ContentFiles(ROOT / "graders")) if one.slug == SLUG)


@pytest.fixture(scope="module")
def solutions(assignment: AssignmentContent) -> list[Solution]:
    found, problems = read_solutions(assignment)
    assert problems == []
    wrong = [solution for solution in found if solution.kind == "wrong"]
    # An empty submission is missing: the upload refuses it.
    others = [solution for solution in found if solution.kind in {"reference", "starter"}]
    return others + (wrong if TAKES_ALL else wrong[::EVERY])


@pytest.fixture(scope="module")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("real"), **PATIENCE) as stack:
        stack.run("platform/manage.py", "sync_content")
        yield stack


@pytest.fixture(scope="module")
def real_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with (
        postgres_server() as database,
        redis_server() as redis,
        running_stack(
            tmp_path_factory.mktemp("real-hosts"),
            DATABASE_URL=database,
            REDIS_URL=redis,
            **PATIENCE,
        ) as stack,
    ):
        stack.run("platform/manage.py", "sync_content")
        yield stack


def running_containers(job_id: str) -> list[str]:
    client = docker.DockerClient.from_env()
    try:
        found = client.containers.list(filters={"label": f"{LABEL_JOB}={job_id}"})
        return [container.name or "" for container in found]
    finally:
        client.close()


def grade(stack: Stack, learner: Learner, solution: Solution) -> dict[str, Any]:
    """Hand a solution in, wait for the verdict, and return the report as the page gives it."""
    submission = learner.hand_in(SLUG, solution.tar, "work.tar")
    wait_for(
        lambda: not learner.status(submission)["state"]["is_open"],
        seconds=240,
        what=f"the report on {solution.path}",
        stack=stack,
    )
    answer = learner.http.get(f"/submissions/{submission}/report.json")
    assert answer.status_code == 200, stack.logs()
    report: dict[str, Any] = answer.json()
    return report


def trial_of(solution: Solution, report: dict[str, Any]) -> Trial:
    verdict = report["verdict"]
    return Trial(
        slug=SLUG,
        kind=solution.kind,
        name=solution.name,
        run=1,
        seed=report["seed"],
        status="completed" if verdict in {"passed", "failed"} else verdict,
        verdict=verdict,
        score=report["score"],
        max_score=report["max_score"],
        outcomes={check["id"]: check["outcome"] for check in report["checks"]},
        messages={check["id"]: check["message"] for check in report["checks"]},
        detail=report["app_log_tail"],
        fault="",
        seconds=report["timings_seconds"]["total"],
    )


def grade_all(stack: Stack, solutions: list[Solution]) -> list[Trial]:
    """Several learners at once, each handing in one solution after the other."""
    waiting: Queue[Solution] = Queue()
    for solution in solutions:
        waiting.put(solution)
    trials: list[Trial] = []
    errors: list[BaseException] = []

    def hand_in(number: int) -> None:
        try:
            with Learner(stack.url) as learner:
                learner.sign_up(f"learner{number}", PASSWORD)
                while True:
                    solution = waiting.get_nowait()
                    trials.append(trial_of(solution, grade(stack, learner, solution)))
        except Empty:
            return
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(LEARNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return trials


def test_every_solution_gets_what_it_deserves(
    real_site: Stack, assignment: AssignmentContent, solutions: list[Solution]
) -> None:
    real_site.start_worker(name="one")
    real_site.start_worker(name="two")
    trials = grade_all(real_site, solutions)
    real_site.stop("one")
    real_site.stop("two")
    assert len(trials) == len(solutions)
    references = {trial.name: trial for trial in trials if trial.kind == "reference"}
    assert {name: trial.score for name, trial in references.items()} == dict.fromkeys(
        ("flask", "fastapi", "ninja"), 100
    )
    assert {trial.verdict for trial in references.values()} == {"passed"}
    (starter,) = [trial for trial in trials if trial.kind == "starter"]
    assert starter.score < 30
    proof = AssignmentProof(
        SLUG, tuple(assignment.meta.checks), tuple(trials), is_partial=not TAKES_ALL
    )
    assert [str(problem) for problem in judge(assignment, proof)] == []


@pytest.mark.postgres
@pytest.mark.redis
def test_a_reference_on_many_hosts(real_hosts: Stack, solutions: list[Solution]) -> None:
    solution = next(one for one in solutions if one.path == f"{SLUG}/reference/fastapi")
    real_hosts.start_worker()
    with Learner(real_hosts.url) as learner:
        learner.sign_up("grace", PASSWORD)
        report = grade(real_hosts, learner, solution)
    assert (report["verdict"], report["score"]) == ("passed", 100)
    assert report["packages"]
    assert set(report["image_digests"]) == {"app", "runner"}
    assert report["grader_hash"]


@pytest.mark.parametrize("point", ["sandbox-starting", "app-starting", "mid-checks"])
def test_a_worker_killed_with_containers_running(
    real_site: Stack, solutions: list[Solution], point: str
) -> None:
    solution = next(one for one in solutions if one.path == f"{SLUG}/reference/flask")
    victim = real_site.start_worker(
        module="tests.endtoend.killing_worker", name="victim", arguments=(point,)
    )
    with Learner(real_site.url) as learner:
        learner.sign_up(f"unlucky-{point}", PASSWORD)
        submission = learner.hand_in(SLUG, solution.tar, "work.tar")
        wait_for(lambda: victim.poll() is not None, seconds=90, what="the death", stack=real_site)
        assert victim.returncode == -signal.SIGKILL
        del real_site.processes["victim"]
        real_site.start_worker(name="survivor")
        wait_for(
            lambda: not learner.status(submission)["state"]["is_open"],
            seconds=240,
            what="the report",
            stack=real_site,
        )
    real_site.stop("survivor")
    first, second = real_site.control("state", submission=submission)
    assert (first["state"], first["error_code"], first["verdict"]) == (
        "crashed",
        "worker-lost",
        None,
    )
    assert (second["state"], second["verdict"], second["score"]) == ("finished", "passed", 100)
    # The containers that lost their worker ended by themselves.
    assert running_containers(first["id"]) == []
