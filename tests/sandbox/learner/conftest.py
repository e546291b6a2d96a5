"""A learner's process beside the test's own: forked, over a pair of sockets, no sandbox.

Only the benign modules of `submission/` and modules written by the tests run here; hostile ones
belong in the sandbox.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agent.modules import serve
from backpath_sdk.learner import LearnerImports, Limits, assertions
from tests.sandbox.learner.suites import Run, make_runner

SUBMISSION = Path(__file__).parent / "submission"
Connect = Callable[[], socket.socket]


class Forker:
    """Starts learner processes and ends them."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def connect_to(self, directory: Path) -> Connect:
        def connect() -> socket.socket:
            ours, theirs = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                ours.close()
                os.chdir(directory)
                # What the suite's process has and the agent's has not.
                sys.meta_path[:] = [m for m in sys.meta_path if type(m) is not LearnerImports]
                try:
                    serve(theirs, directory)
                finally:
                    os._exit(0)
            theirs.close()
            self.pids.append(pid)
            return ours

        return connect

    def end_all(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.fixture
def forker() -> Iterator[Forker]:
    forker = Forker()
    yield forker
    forker.end_all()


@pytest.fixture
def run_suite(tmp_path: Path, forker: Forker) -> Run:
    """Run whole suites with pytest."""
    return make_runner(tmp_path, forker)


@pytest.fixture
def make_imports(forker: Forker, tmp_path: Path) -> Iterator[Callable[..., LearnerImports]]:
    """Return installed imports of modules given as {name: source}, or of `submission/`."""
    made: list[LearnerImports] = []

    def make(
        files: dict[str, str] | None = None, *, limits: Limits | None = None, **options: Any
    ) -> LearnerImports:
        directory = SUBMISSION
        if files is not None:
            directory = tmp_path / f"submission{len(made)}"
            directory.mkdir()
            for name, source in files.items():
                (directory / name).write_text(source)
        imports = LearnerImports(forker.connect_to(directory), limits=limits, **options)
        imports.install()
        made.append(imports)
        imports.session.begin_test()
        imports.session.may_exit = True
        return imports

    yield make
    for imports in made:
        imports.uninstall()


@pytest.fixture
def imports(make_imports: Callable[..., LearnerImports]) -> LearnerImports:
    return make_imports()


@pytest.fixture
def remote(imports: LearnerImports) -> ModuleType:
    """The gallery as a suite sees it."""
    return imports.module("gallery")


@pytest.fixture
def local() -> Iterator[ModuleType]:
    """The gallery imported in this process, as an ordinary suite would."""
    spec = importlib.util.spec_from_file_location("gallery", SUBMISSION / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("gallery", None)


@pytest.fixture
def guarded() -> Iterator[None]:
    """The guards of unittest's assertions."""
    assertions.install()
    yield
    assertions.uninstall()
