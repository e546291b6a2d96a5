"""A whole site of the shape that `./dev up` gives, and learners who use it as browsers do."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from backpath.cli import up
from backpath.cli.paths import PLATFORM
from tests.benchmarks.suite import SLUG, Content, write_content
from tests.endtoend.learner import Learner
from tests.endtoend.stack import ROOT, Stack
from tests.servers import free_port, postgres_server, redis_server, wait_until

_PASSED_ON: Final = ("PATH", "HOME", "LANG", "DOCKER_HOST", "TMPDIR")
_PASSWORD: Final = "a long enough secret"
START_SECONDS: Final = 90
REPORT_SECONDS: Final = 120
# A learner's list of attempts grows; nobody has thousands of them.
ATTEMPTS_OF_ONE_LEARNER: Final = 40


class Site:
    """Web server, worker and sweeper, started with the very commands of `./dev up`."""

    def __init__(self, stack: Stack, *, secret_key: str) -> None:
        self._stack = stack
        # As `backpath.grading.engines` names the owner of a site's containers.
        self.owner = hashlib.sha256(secret_key.encode()).hexdigest()[:12]
        self.url = stack.url

    def start(self, *, workers: int) -> None:
        """Start everything, the worker with so many processes for jobs."""
        environment = self._stack.environment | {"BACKPATH_WORKER_CONCURRENCY": str(workers)}
        for program in up.programs("127.0.0.1", self._stack.port, environment):
            if program.name not in self._stack.processes:
                # The command without its interpreter, which the stack puts in front again.
                self._stack.start(program.name, *program.command[1:])
        wait_until(self._answers, seconds=START_SECONDS, what="the site's start")

    def stop_worker(self) -> None:
        """Stop the worker, which takes its containers with it."""
        self._stack.stop("worker")

    def worker_pid(self) -> int:
        """Process number of the worker; those that run jobs are its children."""
        return self._stack.processes["worker"].pid

    def broker_folder(self) -> Path:
        """Where messages wait, on the shape that has a folder for a broker."""
        return Path(self._stack.environment["BACKPATH_DATA_DIR"]) / "broker"

    def logs(self) -> str:
        """What the site's processes said."""
        return self._stack.logs()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        return False


@contextlib.contextmanager
def running_site(*, is_many_hosts: bool, **changes: str) -> Iterator[Site]:
    """A prepared site without its processes; everything is removed afterwards.

    By default SQLite and the broker's folder, which is what `./dev up` gives; `is_many_hosts`
    takes PostgreSQL and Redis, which is what `docker compose` gives. `changes` are settings.
    """
    folder = Path(tempfile.mkdtemp(prefix="backpath-bench-site-"))
    secret_key = secrets.token_urlsafe(50)
    with contextlib.ExitStack() as cleaning:
        cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
        content = write_content(folder / "content")
        environment = site_environment(folder, content) | changes | {"SECRET_KEY": secret_key}
        if is_many_hosts:
            environment["DATABASE_URL"] = cleaning.enter_context(postgres_server())
            environment["REDIS_URL"] = cleaning.enter_context(redis_server())
        stack = Stack(folder=folder, environment=environment, port=free_port())
        cleaning.callback(stack.stop_all)
        stack.run("-P", "-m", "backpath.cli.site_setup")
        yield Site(stack, secret_key=secret_key)


def site_environment(folder: Path, content: Content) -> dict[str, str]:
    """The environment of the site's processes: every setting of an installation at its default."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {
        "PYTHONPATH": f"{PLATFORM}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "backpath.config.settings",
        "BACKPATH_DATA_DIR": str(folder / "data"),
        "STATIC_ROOT": str(folder / "static"),
        "BACKPATH_LESSONS_DIR": str(content.lessons),
        "BACKPATH_GRADERS_DIR": str(content.graders),
    }


class Visitor:
    """A learner with an open browser: hands in, follows the live page, opens the report."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._learner: Learner | None = None
        self._token = ""
        self._attempts = 0
        self._submission = ""

    def close(self) -> None:
        """Close the browser."""
        if self._learner is not None:
            self._learner.http.close()
            self._learner = None

    def prepare(self) -> None:
        """Sign up where that is due, and open the page with the form."""
        if self._learner is None or self._attempts % ATTEMPTS_OF_ONE_LEARNER == 0:
            self.close()
            self._learner = Learner(self._url)
            self._learner.sign_up(f"learner-{secrets.token_hex(5)}", _PASSWORD)
            page = self._learner.http.get(f"/projects/{SLUG}/submit/")
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            if found is None:
                raise RuntimeError(f"the page to hand in has no form: {page.text[:500]}")
            self._token = found[1]
        self._attempts += 1

    def hand_in(self, archive: bytes) -> str:
        """Upload, follow the events, and return the report's page once it is there.

        Raises RuntimeError when there is none.
        """
        if self._learner is None:
            raise RuntimeError("nobody is signed in")
        where = f"/projects/{SLUG}/submit/"
        live = self._learner.http.post(
            where,
            data={"csrfmiddlewaretoken": self._token},
            files={"files": ("work.tar", archive, "application/x-tar")},
            headers={"Referer": f"{self._url}{where}"},
        )
        found = re.search(r"/submissions/([0-9a-f-]{36})/", live.url.path)
        if live.status_code != httpx.codes.OK or found is None:
            raise RuntimeError(f"the upload was refused: {live.status_code} {live.text[:1000]}")
        self._submission = found[1]
        if not live.url.path.endswith("/report/"):
            live = self._learner.http.get(self._follow(self._submission))
        if live.status_code != httpx.codes.OK or not live.url.path.endswith("/report/"):
            raise RuntimeError(f"no report at {live.url}: {live.status_code}")
        return live.text

    def origin_of_last(self) -> str:
        """How the last job was run: "warm", "cold", or "" where nobody knows."""
        if self._learner is None or not self._submission:
            return ""
        report = self._learner.http.get(f"/submissions/{self._submission}/report.json")
        return str(report.json()["origin"] or "")

    def _follow(self, submission: str) -> str:
        """Read the live page's events to the last one; return where it leads."""
        assert self._learner is not None
        url = f"/submissions/{submission}/events/"
        name = ""
        with self._learner.http.stream("GET", url, timeout=REPORT_SECONDS) as events:
            for line in events.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and name == "decided":
                    return str(json.loads(value)["url"])
        raise RuntimeError(f"the events of {submission} ended without a verdict")


def points_in(report: str) -> tuple[int, int] | None:
    """The points of a report's page and how many there are, as it says them."""
    found = re.search(r"(\d+) points of (\d+)", report)
    return (int(found[1]), int(found[2])) if found else None
