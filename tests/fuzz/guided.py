"""Fuzzing that follows coverage: inputs that reach new code are kept and changed further.

A test's examples are drawn from a buffer of bytes instead of Hypothesis's own choices. A buffer
after which the code under test took a branch for the first time, or gave an answer of a new
kind, joins the corpus, a folder of files; most later buffers are changed copies of those.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import CodeType
from typing import Any

from tests.fuzz.fuzzing import outcomes

_TOOL = sys.monitoring.COVERAGE_ID
_BRANCH = sys.monitoring.events.BRANCH
_FRESH_BYTES = (64, 256, 1024, 4096)
_MOST_BYTES = 8192
_REPOSITORY = Path(__file__).parents[2]


class Branches:
    """The branches that code below some paths has taken, counted once each."""

    def __init__(self, paths: list[Path]) -> None:
        self._prefixes = tuple(str(path) for path in paths)
        self._taken: dict[tuple[CodeType, int], set[int]] = {}
        self.count = 0

    def __enter__(self) -> Branches:
        sys.monitoring.use_tool_id(_TOOL, "backpath-fuzz")
        sys.monitoring.register_callback(_TOOL, _BRANCH, self._on_branch)
        sys.monitoring.set_events(_TOOL, _BRANCH)
        return self

    def __exit__(self, *_: object) -> None:
        sys.monitoring.set_events(_TOOL, 0)
        sys.monitoring.register_callback(_TOOL, _BRANCH, None)
        sys.monitoring.free_tool_id(_TOOL)

    def _on_branch(self, code: CodeType, offset: int, target: int) -> Any:
        if not code.co_filename.startswith(self._prefixes):
            return sys.monitoring.DISABLE
        taken = self._taken.setdefault((code, offset), set())
        if target not in taken:
            taken.add(target)
            self.count += 1
        # Both ways are known: from now on it costs nothing.
        return sys.monitoring.DISABLE if len(taken) > 1 else None


@dataclass(frozen=True)
class Crash:
    """An input that broke a promise. `place` tells crashes of one cause from others."""

    test: str
    buffer: bytes
    place: str
    report: str


@dataclass
class Guided:
    """One test, its corpus and what came out; `run_one` is a test's `fuzz_one_input`."""

    test: str
    run_one: Callable[[bytes], bytes | None]
    folder: Path
    random: Random
    branches: Branches
    executions: int = 0
    crashes: list[Crash] = field(default_factory=list)
    _corpus: list[bytes] = field(default_factory=list)

    def step(self) -> None:
        """Run one input; keep it if it found something new."""
        buffer = self._next_buffer()
        known = (self.branches.count, len(outcomes))
        self.executions += 1
        try:
            self.run_one(buffer)
        except Exception as error:
            self._note_crash(buffer, error)
        if (self.branches.count, len(outcomes)) != known:
            self._corpus.append(buffer)
            name = hashlib.sha256(buffer).hexdigest()[:16]
            (self.folder / name).write_bytes(buffer)

    @property
    def corpus_size(self) -> int:
        """How many inputs found something new."""
        return len(self._corpus)

    def _note_crash(self, buffer: bytes, error: Exception) -> None:
        place = place_of(error)
        if all(crash.place != place for crash in self.crashes):
            report = "".join(traceback.format_exception(error))
            self.crashes.append(Crash(self.test, buffer, place, report))

    def _next_buffer(self) -> bytes:
        random = self.random
        if not self._corpus or random.random() < 0.2:
            return random.randbytes(random.choice(_FRESH_BYTES))
        # The newest half of the time: what it found is the least tried.
        changed = bytearray(random.choice((self._corpus[-1], random.choice(self._corpus))))
        for _ in range(random.choice((1, 1, 2, 4, 8))):
            self._change(changed)
        # What runs out of bytes is thrown away: a tail lets changed beginnings go on.
        return bytes(changed[:_MOST_BYTES]) + random.randbytes(random.choice((0, 16, 128)))

    def _change(self, buffer: bytearray) -> None:
        random = self.random
        # Often near the front: the first choices of a test decide the most.
        at = random.randrange(min(len(buffer), random.choice((16, 256, _MOST_BYTES))) + 1)
        span = random.choice((1, 2, 8, 32))
        match random.randrange(5):
            case 0:
                buffer[at : at + 1] = random.randbytes(1)
            case 1:
                buffer[at : at + span] = random.randbytes(span)
            case 2:
                del buffer[at : at + span]
            case 3:
                buffer[at:at] = random.randbytes(span)
            case 4:
                other = random.choice(self._corpus)
                buffer[at:] = other[min(at, len(other)) :]


def place_of(error: BaseException) -> str:
    """The kind of an error and the last line of this repository that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(str(_REPOSITORY))]
    own = [frame for frame in own if "site-packages" not in frame.filename]
    last = (own or frames)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
