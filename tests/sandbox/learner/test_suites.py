"""Whole suites, run by pytest with the plugins of the runner: what each test's check gets."""

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
from tests.sandbox.learner.conftest import Forker

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


@pytest.fixture
def run(tmp_path: Path, forker: Forker) -> Run:
    """Run a suite of tests, one check each, in a process of its own; return frames by check id."""

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


def test_each_way_to_fail_has_its_outcome_and_its_words(run: Run) -> None:
    frames = run(
        """
        import pytest
        import bob
        from bob import double, explode, StackError

        @check("a.passes")
        def test_passes():
            assert double(2) == 4
            with pytest.raises(StackError, match="boom"):
                explode()

        @check("a.wrong")
        def test_wrong():
            assert bob.wrong(2) == 4

        @check("a.unusable")
        def test_unusable():
            assert bob.wrong(2)[0] == 4

        @check("a.raises")
        def test_raises():
            explode("no stack")

        @check("a.leaves")
        def test_leaves():
            bob.leave()

        @check("a.raises-nothing")
        def test_raises_nothing():
            with pytest.raises(ValueError):
                double(2)

        @check("a.leaves-as-asked")
        def test_leaves_as_asked():
            with pytest.raises(SystemExit) as caught:
                bob.leave()
            assert caught.value.code == 3

        @check("a.dies")
        def test_dies():
            bob.die()

        @check("a.dies-caught")
        def test_dies_caught():
            with pytest.raises(Exception):
                bob.die()

        @check("a.after")
        def test_after():
            assert double(3) == 6

        @check("a.hangs")
        def test_hangs():
            bob.hang()

        @check("a.hangs-caught")
        def test_hangs_caught():
            try:
                bob.hang()
            except Exception:
                pass

        @check("a.big")
        def test_big():
            with pytest.raises(Exception):
                bob.big()

        @check("a.deep")
        def test_deep():
            bob.deep()

        @check("a.skips")
        def test_skips():
            bob.skip()

        @check("a.interrupts")
        def test_interrupts():
            bob.interrupt()

        @check("a.silent")
        def test_silent():
            bob.silent()

        @check("a.last")
        def test_last():
            assert double(3) == 6
        """
    )

    assert outcomes(frames) == {
        "a.passes": "passed",
        "a.wrong": "failed",
        "a.unusable": "failed",
        "a.raises": "failed",
        "a.leaves": "failed",
        "a.raises-nothing": "failed",
        "a.leaves-as-asked": "passed",
        "a.dies": "learner_error",
        "a.dies-caught": "learner_error",
        "a.after": "passed",
        "a.hangs": "learner_error",
        "a.hangs-caught": "learner_error",
        "a.big": "failed",
        "a.deep": "failed",
        "a.skips": "failed",
        "a.interrupts": "failed",
        "a.silent": "failed",
        "a.last": "passed",
    }
    messages = {name: frame.get("message") for name, frame in frames.items()}
    assert messages["a.raises"] == "Your code raised StackError: no stack (bob.py, line 14)."
    assert messages["a.unusable"] == (
        "The check could not go on with what your code gave it: "
        "TypeError: 'NoneType' object is not subscriptable."
    )
    assert messages["a.dies"] == "The process that runs your code has ended."
    assert messages["a.hangs"] == "Your code did not come back within 2 s."
    assert "more than 16 MB" in messages["a.big"]
    assert "more than 100 levels deep" in messages["a.deep"]
    assert frames["end"]["status"] == "completed"


def test_a_module_that_cannot_be_imported_fails_each_test(run: Run) -> None:
    frames = run(
        """
        from bob import double, Stack
        import missing_module

        @check("a.broken")
        def test_broken():
            assert double(2) == 4

        @check("a.class")
        def test_class():
            Stack().push(1)

        @check("a.missing")
        def test_missing():
            missing_module.run()

        @check("a.own")
        def test_own():
            assert 1 + 1 == 2
        """,
        {"bob.py": "def double(x)\n    return 1\n"},
    )

    assert outcomes(frames) == {
        "a.broken": "learner_error",
        "a.class": "learner_error",
        "a.missing": "learner_error",
        "a.own": "passed",
    }
    assert "`bob` cannot be imported: SyntaxError" in frames["a.broken"]["message"]
    assert frames["a.missing"]["message"] == (
        "There is no module `missing_module` in what you handed in. Modules there: bob."
    )


def test_a_name_that_is_missing_fails_the_tests_that_use_it(run: Run) -> None:
    frames = run(
        """
        import pytest
        try:
            from bob import double, triple, TripleError
        except ImportError as error:
            raise ImportError("MISSING FUNCTION") from error

        @check("a.there")
        def test_there():
            assert double(2) == 4

        @check("a.missing")
        def test_missing():
            assert triple(2) == 6

        @check("a.class")
        def test_class():
            with pytest.raises(TripleError):
                double(2)
        """
    )

    assert outcomes(frames) == {"a.there": "passed", "a.missing": "failed", "a.class": "failed"}
    assert frames["a.missing"]["message"] == "Your module `bob` has no `triple`."
    assert frames["a.class"]["message"] == (
        "Your module `bob` has no `triple`. Your module `bob` has no `TripleError`."
    )


def test_a_suite_of_unittest_runs_unchanged(run: Run) -> None:
    frames = run(
        """
        import unittest
        from bob import double, explode, StackError, die

        class BobTest(unittest.TestCase):
            @check("a.passes")
            def test_passes(self):
                self.assertEqual(double(2), 4)
                with self.assertRaises(StackError) as caught:
                    explode("why")
                self.assertEqual(type(caught.exception), StackError)
                self.assertEqual(caught.exception.args[0], "why")

            @check("a.fails")
            def test_fails(self):
                self.assertEqual(double(2), 5)

            @check("a.raises")
            def test_raises(self):
                explode()

            @check("a.dies")
            def test_dies(self):
                with self.assertRaises(Exception):
                    die()

            @check("a.subtests")
            def test_subtests(self):
                for number in (1, 2):
                    with self.subTest(number=number):
                        self.assertEqual(double(number), number + 1)
        """
    )

    assert outcomes(frames) == {
        "a.passes": "passed",
        "a.fails": "failed",
        "a.raises": "failed",
        "a.dies": "learner_error",
        "a.subtests": "failed",
    }


def test_what_cannot_cross_is_a_grader_error_that_names_it(run: Run) -> None:
    frames = run(
        """
        import threading, pytest
        from bob import double

        @check("a.thread")
        def test_thread():
            with pytest.raises(TypeError):
                double(threading.Thread())
        """
    )

    assert outcomes(frames) == {"a.thread": "grader_error"}
    assert "object of type Thread" in frames["end"]["detail"]


def test_a_submission_cannot_stand_in_for_a_library_or_the_grader(run: Run) -> None:
    liar = "def dumps(x): return 'lie'\nVALUE = 'lie'\n"
    frames = run(
        """
        import json, textwrap
        import backpath_sdk, colorsys
        from bob import double

        @check("a.own")
        def test_own():
            assert json.dumps(1) == "1"
            assert hasattr(colorsys, "rgb_to_hsv")
            assert hasattr(backpath_sdk, "expect")
            assert double(1) == 2
        """,
        {
            "bob.py": LEARNER,
            **dict.fromkeys(["json.py", "colorsys.py", "backpath_sdk.py", "pytest.py"], liar),
        },
    )

    assert outcomes(frames) == {"a.own": "passed"}


def test_callbacks_end_with_their_test(run: Run) -> None:
    frames = run(
        """
        import pytest
        from bob import keep, use_kept, swallow

        class Mine(Exception):
            pass

        @check("a.first")
        def test_first():
            assert keep(lambda: "alive") == 1
            assert use_kept() == "alive"

        @check("a.second")
        def test_second():
            with pytest.raises(LookupError):
                use_kept()

        @check("a.outcome")
        def test_outcome():
            assert swallow(lambda: pytest.fail("the check failed")) == "swallowed"

        @check("a.own")
        def test_own():
            def mine():
                raise Mine("x")
            assert swallow(mine) == "swallowed"
        """
    )

    assert outcomes(frames)["a.first"] == "passed"
    assert outcomes(frames)["a.second"] == "passed"
    assert outcomes(frames)["a.outcome"] != "passed"
    assert outcomes(frames)["a.own"] == "passed"


def test_an_endless_iterator_ends_with_the_check(run: Run) -> None:
    frames = run(
        """
        from bob import endless, double

        @check("a.endless")
        def test_endless():
            sum(endless())

        @check("a.after")
        def test_after():
            assert double(2) == 4
        """,
        check_seconds=0.5,
    )

    assert outcomes(frames) == {"a.endless": "timed_out", "a.after": "passed"}


def test_packages_streams_and_the_fixture(run: Run) -> None:
    frames = run(
        """
        import pytest
        import pack.inner
        from pack import other, VALUE
        from pack.inner import f

        @check("a.package")
        def test_package():
            assert (f(), pack.inner.f(), other.g(), VALUE) == (1, 1, 2, 3)

        @check("a.streams")
        def test_streams(capsys, monkeypatch, learner):
            other.talk()
            assert capsys.readouterr() == ("out\\n", "err\\n")
            assert (learner.stdout, learner.stderr) == ("out\\n", "err\\n")
            learner.give_input("ann\\n")
            assert other.ask() == "ann"
            monkeypatch.setattr("builtins.input", lambda prompt: prompt + "bob")
            assert other.ask() == "who? bob"

        @check("a.fixture")
        def test_fixture(learner):
            assert learner.module("pack.inner").f() == 1
            learner.restart()
            assert f() == 1

        @check("a.missing")
        def test_missing(learner):
            learner.module("nowhere")
        """,
        {
            "pack/__init__.py": "VALUE = 3\n",
            "pack/inner.py": "def f(): return 1\n",
            "pack/other.py": (
                "import sys\ndef g(): return 2\n"
                "def talk():\n    print('out'); print('err', file=sys.stderr)\n"
                "def ask(): return input('who? ')\n"
            ),
        },
    )

    assert outcomes(frames) == {
        "a.package": "passed",
        "a.streams": "passed",
        "a.fixture": "passed",
        "a.missing": "learner_error",
    }


def test_names_that_the_author_gives_come_first(run: Run) -> None:
    frames = run(
        """
        import colorsys

        @check("a.named")
        def test_named():
            assert colorsys.VALUE == 5
        """,
        {"colorsys.py": "VALUE = 5\n"},
        names=["colorsys"],
    )

    assert outcomes(frames) == {"a.named": "passed"}
