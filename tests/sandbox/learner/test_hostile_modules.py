"""Hostile learner modules in the real sandbox: each gets the outcome that its code deserves."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from backpath.execution.outcome import RunOutcome
from tests.sandbox.conftest import by_id

pytestmark = pytest.mark.docker

Run = Callable[..., RunOutcome]

# The plugin is registered here unless the runner has done so already.
HEAD = """
import pytest
from backpath_sdk import check
from backpath_sdk.learner import LearnerImports, LearnerPlugin, Limits
from backpath_sdk.link import connect


@pytest.fixture(autouse=True, scope="session")
def learner_modules(request):
    manager = request.config.pluginmanager
    if manager.get_plugin("learner") is None:
        limits = Limits(call_seconds=2.0)
        imports = LearnerImports(lambda: connect({"to": "modules"}), limits=limits)
        manager.register(LearnerPlugin(imports), "learner")
        imports.session.begin_test()

"""
SUITE = """
@check("a.honest")
def test_honest():
    import bob
    assert bob.honest(20) == 21

@check("a.answer")
def test_answer():
    import bob
    assert bob.answer(20) == 21

@check("a.close")
def test_close():
    import bob
    assert bob.answer(20) == pytest.approx(21)

@check("a.raises")
def test_raises():
    import bob
    with pytest.raises(ValueError):
        bob.answer(-1)

@check("a.callback")
def test_callback():
    import bob
    class Counter:
        def __init__(self):
            self._calls = 0
            self.expected = 42
        def step(self):
            self._calls += 1
    counter = Counter()
    bob.answer(counter.step)
    assert counter._calls == 1

@check("a.after")
def test_after():
    import bob
    assert bob.honest(1) == 2
"""
IDS = ["a.honest", "a.answer", "a.close", "a.raises", "a.callback", "a.after"]
HONEST = "def honest(x):\n    return x + 1\n"

ATTACKS = {
    "wrong": "def answer(x): return None",
    "equal-to-everything": """
        class Liar:
            def _yes(self, *args): return True
            __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = _yes
            def __ne__(self, other): return False
            def _zero(self, *args): return 0.0
            __sub__ = __rsub__ = __abs__ = __float__ = __truediv__ = _zero
            __hash__ = object.__hash__
            __class__ = property(lambda self: int)
        def answer(x): return Liar()
    """,
    "lying-number": """
        class Liar(int):
            def _yes(self, *args): return True
            __eq__ = __lt__ = __gt__ = __le__ = __ge__ = _yes
            def _zero(self, *args): return 0
            __sub__ = __rsub__ = __abs__ = __add__ = __radd__ = _zero
            __hash__ = int.__hash__
        def answer(x): return Liar(3)
    """,
    "exit": """
        import os
        def answer(x): os._exit(0)
    """,
    "kill-everything": """
        import os, signal
        def answer(x): os.kill(-1, signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)
    """,
    "hang": """
        def answer(x):
            while True: pass
    """,
    "memory": """
        def answer(x):
            hoard = []
            while True: hoard.append(bytearray(50_000_000))
    """,
    "output": """
        def answer(x):
            while True: print("x" * 100_000)
    """,
    "huge": """
        def answer(x): return ["x" * 1000] * 900_000
    """,
    "forged-frames": """
        import json, os, socket, stat, struct
        def answer(x):
            frame = json.dumps(["r", 99, None]).encode()
            end = json.dumps({"type": "end", "status": "completed"}).encode()
            for fd in range(3, 64):
                try:
                    if stat.S_ISSOCK(os.fstat(fd).st_mode):
                        os.write(fd, struct.pack(">I", len(frame)) + frame)
                        os.write(fd, struct.pack(">BI", 1, len(end)) + end)
                except OSError:
                    pass
            while True: pass
    """,
    "asks-for-more": """
        import gc
        def answer(x):
            talk = next(o for o in gc.get_objects() if type(o).__name__ == "Conversation")
            found = []
            for number in range(1, 20):
                for name in ("__globals__", "__self__", "__class__", "_calls", "gi_frame", "step",
                             "f_globals", "mro", "__init__", "expected"):
                    try: found.append(talk.ask("get", number, name))
                    except Exception: pass
                for special in ("__init__", "__reduce__", "__getattribute__", "__class__"):
                    try: found.append(talk.ask("op", number, special, ("expected",)))
                    except Exception: pass
                try: talk.ask("set", number, "_calls", 1)
                except Exception: pass
            return found
    """,
    "skips": """
        import unittest
        def answer(x): raise unittest.SkipTest("nothing to see")
    """,
    "pytest-outcome": """
        import pytest
        def answer(x): pytest.skip("nothing to see")
    """,
    "exits": """
        import sys
        def answer(x): sys.exit(0)
    """,
    "patches-its-own-side": """
        import builtins, json, sys
        builtins.isinstance = lambda *a: True
        builtins.type = lambda *a: int
        json.JSONEncoder.encode = lambda self, o: '["r", 21, null]'
        for module in list(sys.modules.values()):
            if getattr(module, "same", None): module.same = lambda *a: True
        def answer(x): return None
    """,
    "explodes-when-shown": """
        class Bomb(Exception):
            def __str__(self): raise SystemExit
            __repr__ = __str__
        def answer(x): raise Bomb
    """,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_only_what_is_right_passes(run: Run, attack: str) -> None:
    module = f"{textwrap.dedent(attack)}\n{HONEST}"
    grader = {"test_checks.py": HEAD + SUITE}

    outcome = run({"bob.py": module, "Procfile": "web: python -c 0\n"}, grader, IDS)

    if outcome.status == "out_of_memory":
        # The verdict of the whole run then, and no pass.
        assert "hoard" in attack or "900_000" in attack
        return
    assert outcome.status == "completed", outcome.detail
    outcomes = {name: check.outcome for name, check in by_id(outcome).items()}
    wrong = {"a.answer", "a.close", "a.raises", "a.callback"}
    for name in wrong:
        assert outcomes[name] in ("failed", "learner_error", "timed_out"), (name, outcomes)
    if "builtins" not in attack:
        assert outcomes["a.honest"] == outcomes["a.after"] == "passed"


def test_a_right_module_passes(run: Run) -> None:
    module = """
    def answer(x):
        if callable(x):
            return x()
        if x < 0:
            raise ValueError("negative")
        return x + 1
    """
    grader = {"test_checks.py": HEAD + SUITE}
    files: dict[str, Any] = {
        "bob.py": f"{textwrap.dedent(module)}\n{HONEST}",
        "Procfile": "web: python -c 0\n",
    }

    outcome = run(files, grader, IDS)

    assert outcome.status == "completed", outcome.detail
    assert {check.outcome for check in outcome.checks} == {"passed"}
