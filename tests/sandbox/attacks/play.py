"""Runs one attack, or one honest submission, and says what was wrong."""

from __future__ import annotations

import io
import os
import resource
import secrets
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from backpath.execution.bundle import BundleRefused, list_tar_files, read_bundle
from backpath.execution.engine import Engine, RunEvent, RunRequest
from backpath.execution.outcome import CheckFinished, Phase
from tests.sandbox.attacks.host import Watch
from tests.sandbox.attacks.judge import Played, dishonest, problems_of
from tests.sandbox.attacks.pack import (
    BASES,
    HERE,
    LANDED,
    ArchiveManifest,
    Attack,
    SubmissionManifest,
    files_of,
    tar_of,
)
from tests.sandbox.attacks.suites import load_suite

# The correct submissions by name, and the suite that grades each.
HONEST: Final = {
    "plain": ("service", BASES / "server"),
    "flask": ("service", HERE / "honest" / "flask"),
    "fastapi": ("service", HERE / "honest" / "fastapi"),
    "module": ("module", BASES / "solution"),
}
# The same words as in `attack.yaml`: what an honest submission needs before it can run.
HONEST_NEEDS: Final = {"module": "learner"}
ARCHIVE_SECONDS = 10.0
ARCHIVE_MEMORY_KIB = 512 << 10
SEED_LIMIT = 1 << 31


@dataclass(frozen=True)
class Player:
    """Plays with one engine. `watch` is None where several play at once: then nobody can tell
    whose traces are found, and the look at the host waits for the end. `patience` stretches the
    limits of time on a machine that has more to do than one run. `origins` is which path each run
    took so far, warm or cold."""

    engine: Engine
    watch: Watch | None = None
    patience: float = 1.0
    origins: list[str] = field(default_factory=list)

    def attack(self, attack: Attack) -> list[str]:
        """Carry `attack` out; return everything that is not as it must be."""
        if isinstance(attack.manifest, ArchiveManifest):
            return archive_problems(attack, attack.manifest)
        return problems_of(self.play(attack), attack.manifest.expected)

    def play(self, attack: Attack) -> Played:
        """Run the submission of `attack` and return how it went."""
        manifest = attack.manifest
        assert isinstance(manifest, SubmissionManifest)
        limits = manifest.limits.model_dump(exclude_none=True)
        return self._run(manifest.kind, attack.submission_tar(), limits, attack.name)

    def honest(self, name: str) -> list[str]:
        """Run a correct submission; return whatever it did not get as it should."""
        kind, folder = HONEST[name]
        limits = {"wall_seconds": 40.0, "check_seconds": 8.0, "ready_seconds": 15.0}
        tar = tar_of(files_of(folder))
        return dishonest(self._run(kind, tar, limits | {"app_memory_mb": 256}, f"honest-{name}"))

    def _run(self, kind: str, tar: bytes, limits: dict[str, Any], name: str) -> Played:
        suite = load_suite(kind)  # type: ignore[arg-type]  # the manifest was validated
        manifest = suite.engine_manifest(limits)
        for limit in ("wall_seconds", "check_seconds", "ready_seconds"):
            # Who sets the clock of the whole run is about just that.
            if limit != "wall_seconds" or limit not in limits:
                manifest["limits"][limit] *= self.patience
        seed = secrets.randbelow(SEED_LIMIT)
        planted = suite.planted(seed)
        request = RunRequest(
            job_id=f"{name}-{uuid.uuid4()}",
            submission_tar=tar,
            grader_tar=planted.tar,
            manifest=manifest,
            seed=seed,
        )
        events: list[RunEvent] = []

        def note(event: RunEvent) -> None:
            events.append(event)
            if self.watch is None:
                return
            if isinstance(event, Phase):
                self.watch.look()
            elif isinstance(event, CheckFinished):
                self.watch.measure()

        began = time.monotonic()
        with secrets_of_the_worker() as of_worker:
            outcome = self.engine.run(request, on_event=note, should_stop=lambda: False)
        seconds = time.monotonic() - began
        self.origins.append(outcome.origin)
        host: list[str] = []
        if self.watch:
            host = [*self.watch.problems, *self.watch.left_of_job(request.job_id)]
            self.watch.problems.clear()
        return Played(suite, outcome, events, planted.canaries | of_worker, seconds, host)


@contextmanager
def secrets_of_the_worker() -> Iterator[frozenset[str]]:
    """Put a canary into the worker's environment and one into a file of the host."""
    in_environment, in_file = secrets.token_hex(8), secrets.token_hex(8)
    name = f"ATTACK_{in_environment}"
    with tempfile.NamedTemporaryFile(prefix="canary-", mode="w") as file:
        file.write(f"canary-{in_file}")
        file.flush()
        Path(file.name).chmod(0o644)
        os.environ[name] = f"canary-{in_environment}"
        try:
            yield frozenset({in_environment, in_file})
        finally:
            del os.environ[name]


def honest_names() -> list[str]:
    """The correct submissions that can be graded by now."""
    return [name for name in HONEST if HONEST_NEEDS.get(name) in {None, *LANDED}]


def archive_problems(attack: Attack, manifest: ArchiveManifest) -> list[str]:
    """Hand the archive in; return what was not as expected."""
    filename, data = attack.archive()
    expected = manifest.expected
    around = Path(tempfile.gettempdir())
    before, memory = set(around.iterdir()), _peak_memory()
    began = time.monotonic()
    try:
        bundle = read_bundle(io.BytesIO(data), filename)
    except BundleRefused as refused:
        problems = [] if refused.code == expected.refused else [f"refused as {refused.code}"]
        if not refused.path.isprintable():
            problems.append(f"the refusal's path is not fit to be shown: {refused.path!r}")
    else:
        held = [file.path for file in list_tar_files(bundle.tar)]
        problems = [] if held == expected.files else [f"accepted, with the files {held[:20]}"]
    if (seconds := time.monotonic() - began) > ARCHIVE_SECONDS:
        problems.append(f"it took {seconds:.1f} s")
    if (more := _peak_memory() - memory) > ARCHIVE_MEMORY_KIB:
        problems.append(f"it took {more} KiB of memory")
    # Runs at the same time keep a canary there.
    left = [path for path in set(around.iterdir()) - before if not path.name.startswith("canary-")]
    if left:
        problems.append(f"left in the temporary folder: {left}")
    return problems


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
