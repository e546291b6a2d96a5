"""Whole suites, run by pytest with the plugins of the runner."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpath_sdk.learner import LearnerImports, LearnerPlugin, Limits
from backpath_sdk.plugin import GraderPlugin

Run = Callable[..., dict[str, Any]]
LEARNER = """
import os, sys, time

class StackError(Exception):
    pass

def double(x):
    return x * 2

def wrong(x):
    return None

def explode(message="boom"):
    raise StackError(message)

def leave():
    sys.exit(3)

def die():
    os._exit(7)

def hang():
    while True:
        time.sleep(0.01)

def big():
    return "x" * 30_000_000

def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value

def endless():
    while True:
        yield 1

def skip():
    import unittest
    raise unittest.SkipTest("not today")

def interrupt():
    raise KeyboardInterrupt

class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no text")
    __repr__ = __str__

def silent():
    raise Silent

class Bomb:
    def __repr__(self):
        sys.exit(1)
    __str__ = __repr__

def explode_with_bomb():
    raise ValueError(Bomb())

def keep(callback, kept=[]):
    kept.append(callback)
    return len(kept)

def use_kept(kept=keep.__defaults__[0]):
    return kept[-1]()

def swallow(callback):
    try:
        return callback()
    except BaseException:
        return "swallowed"
"""


def make_runner(tmp_path: Path, forker: Any) -> Run:
    """Return what runs a suite, one check a test, in a process of its own, and returns the frames
    by check id."""

    def run_suite(
        suite: str,
        files: dict[str, str] | None = None,
        *,
        names: list[str] | None = None,
        limits: Limits | None = None,
        check_seconds: float = 5.0,
    ) -> dict[str, Any]:
        submission, grader = tmp_path / "submission", tmp_path / "grader"
        submission.mkdir()
        grader.mkdir()
        for name, source in ({"bob.py": LEARNER} if files is None else files).items():
            path = submission / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)
        source = textwrap.dedent(suite)
        ids = [part.split('"')[0] for part in source.split('@check("')[1:]]
        (grader / "test_suite.py").write_text(f"from backpath_sdk import check\n{source}")
        job = {
            "groups": [{"id": "a", "gate": False}],
            "checks": [
                {
                    "id": name,
                    "group": "a",
                    "requires": [],
                    "hidden": False,
                    "blocking": False,
                }
                for name in ids
            ],
            "seed": 1,
            "shuffle": False,
            "check_seconds": check_seconds,
            "wall_seconds": 60,
            "ready_seconds": 5,
        }
        imports = LearnerImports(
            forker.connect_to(submission), names, limits or Limits(call_seconds=2.0)
        )
        return _frames(lambda fd: _run_pytest(job, grader, imports, fd))

    return run_suite


def _run_pytest(job: dict[str, Any], grader: Path, imports: LearnerImports, fd: int) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugin = GraderPlugin(job, fd)
    options = ["--noconftest", "-c/dev/null", f"--rootdir={grader}", "--import-mode=importlib"]
    options += ["-pno:cacheprovider", "-q", "--capture=sys", str(grader)]
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(options, plugins=[plugin, LearnerPlugin(imports)])
    plugin.finish(int(code))


def _frames(work: Callable[[int], None]) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(writing)
        finally:
            os._exit(0)
    os.close(writing)
    frames: dict[str, Any] = {}
    with os.fdopen(reading, "rb") as stream:
        while head := stream.read(5):
            message = json.loads(stream.read(struct.unpack(">BI", head)[1]))
            if message["type"] == "check_finished":
                frames[message["check_id"]] = message
            elif message["type"] == "end":
                frames["end"] = message
    os.waitpid(pid, 0)
    return frames


def outcomes(frames: dict[str, Any]) -> dict[str, str]:
    return {name: frame["outcome"] for name, frame in frames.items() if name != "end"}
