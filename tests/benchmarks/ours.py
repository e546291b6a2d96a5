"""The three sides that are ours: the cold pair, the warm pair, and the whole way through a site."""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from backpath.execution.docker_engine import DockerEngine
from backpath.grading.scoring import Scored, score_run
from tests.benchmarks.containers import Containers, PairMemory
from tests.benchmarks.sides import Sample, SampleFailed
from tests.benchmarks.site import Site, Visitor, points_in, running_site
from tests.benchmarks.suite import CHECKS, FOLDER, Job

WARM_SECONDS = 120.0


class EnginePair:
    """(d) and (e): the engine, from a job picked up to its report decided.

    `pool` is the number of app containers kept warm; 0 is the cold pair.
    """

    def __init__(self, job: Job, *, images: dict[str, str], runtime: str, pool: int) -> None:
        self.key = "e" if pool else "d"
        self.title = "our warm pair" if pool else "our cold pair"
        self.legend = "from the job picked up to the report decided"
        if pool:
            self.legend += f", {pool} app containers kept warm"
        self.buffer = pool
        self.left = 0
        """After closing: how many containers had to be removed from outside."""
        self._is_closed = False
        self.owner = f"bench-{secrets.token_hex(4)}"
        self._job = job
        self._options = images | {"runtime": runtime, "owner": self.owner}
        self._pool = pool
        self._engine: DockerEngine | None = None
        self._containers = Containers(self.owner)

    def open(self, at_once: int) -> None:
        pool = max(self._pool, at_once) if self._pool else 0
        if self._engine is not None and self.buffer == pool:
            return
        self._close_engine()
        self.buffer = pool
        self._engine = DockerEngine.from_settings(pool_size=pool, **self._options)
        if pool:
            self._engine.warm_up([self._job.manifest])
            # From a first job the pool learns which framework is asked for.
            self.run(0)

    def ready(self) -> None:
        engine = self._opened()
        engine.settle()
        if self._pool and not engine.wait_until_warm(WARM_SECONDS):
            raise SampleFailed(f"the pool was not full after {WARM_SECONDS:.0f} s")

    def run(self, slot: int) -> Sample:
        request = self._job.request(f"{self.owner}-{secrets.token_hex(4)}")
        engine = self._opened()
        started = time.perf_counter()
        outcome = engine.run(request, on_event=lambda _event: None, should_stop=lambda: False)
        scored = score_run(request.manifest, outcome)
        seconds = time.perf_counter() - started
        if not isinstance(scored, Scored) or scored.counts != {"passed": CHECKS}:
            raise SampleFailed(f"{outcome.status}: {outcome.detail[:1000]} {scored}"[:3000])
        return Sample(seconds, origin=outcome.origin)

    def look_back(self, sample: Sample) -> Sample:
        return sample

    def memory(self) -> PairMemory | None:
        """What one warm pair takes; None for a cold one."""
        return self._containers.memory() if self._pool else None

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._close_engine()
            self.left = self._containers.remove_left()
            self._containers.close()

    def _opened(self) -> DockerEngine:
        if self._engine is None:
            raise SampleFailed("the engine is not open")
        return self._engine

    def _close_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None


class WholeWay:
    """(f): from the upload's first byte to the report's last, through real processes."""

    key = "f"

    def __init__(
        self, *, images: dict[str, str], is_many_hosts: bool, pool: int, runtime: str
    ) -> None:
        self.title = "upload to report"
        self.left = 0
        """After closing: how many containers had to be removed from outside."""
        self._is_closed = False
        shape = "PostgreSQL and Redis" if is_many_hosts else "SQLite and a folder as broker"
        self.legend = f"the whole site as `./dev up` runs it, on {shape}"
        self.buffer = pool
        self._pool = pool
        self._workers = 0
        self._visitors: list[Visitor] = []
        self._cleaning = contextlib.ExitStack()
        self.site: Site = self._cleaning.enter_context(
            running_site(
                is_many_hosts=is_many_hosts,
                BACKPATH_APP_IMAGE=images["app_image"],
                BACKPATH_RUNNER_IMAGE=images["runner_image"],
                BACKPATH_SANDBOX_RUNTIME=runtime,
                BACKPATH_POOL_SIZE=str(pool),
            )
        )
        self._containers = Containers(self.site.owner)

    def open(self, at_once: int) -> None:
        if at_once != self._workers:
            if self._workers:
                self.site.stop_worker()
            self.site.start(workers=at_once)
            self._workers = at_once
            self.buffer = self._pool * at_once
        while len(self._visitors) < at_once:
            self._visitors.append(Visitor(self.site.url))
        # All at once, so that each process for jobs has had its first one and fills its pool.
        with ThreadPoolExecutor(at_once) as threads:
            list(threads.map(self.run, range(at_once)))

    def ready(self) -> None:
        # From outside, a pool is full when no container comes or goes any more.
        self._containers.wait_until_unchanged(WARM_SECONDS)

    def run(self, slot: int) -> Sample:
        visitor, archive = self._visitors[slot], make_archive()
        visitor.prepare()
        started = time.perf_counter()
        try:
            report = visitor.hand_in(archive)
        except RuntimeError as error:
            raise SampleFailed(f"{error}\n{self.site.logs()[-4000:]}") from error
        seconds = time.perf_counter() - started
        if points_in(report) != (100, 100):
            raise SampleFailed(f"the report says {points_in(report)}\n{self.site.logs()[-4000:]}")
        return Sample(seconds)

    def look_back(self, sample: Sample) -> Sample:
        return replace(sample, origin=self._visitors[0].origin_of_last())

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            for visitor in self._visitors:
                visitor.close()
            self._cleaning.close()
            self.left = self._containers.remove_left()
            self._containers.close()


def make_archive() -> bytes:
    """The app as a learner uploads it; no two are the same, for those are graded once."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        files = {path.name: path.read_bytes() for path in sorted((FOLDER / "app").iterdir())
                 if path.is_file()}  # fmt: skip
        for name, data in (files | {"NOTES.md": secrets.token_hex(8).encode()}).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return target.getvalue()
