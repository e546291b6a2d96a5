"""Submissions that attack: each gets its honest verdict, and nothing of it is left behind.

The full attack pack is a folder of its own; these are the ones that the walking whole cannot
do without, one for each row of the threat table that concerns a running app.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pytest

from backpath.execution.outcome import CheckFinished
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import make_app, make_grader

pytestmark = pytest.mark.docker

# The honest score of every app below is "answers health, and nothing else".
GRADER = make_grader(
    """
    CANARY = "canary-7f3a9c"

    @check("start.health")
    def test_health(service):
        service.get("/health").expect_status(200)

    @check("work.answer")
    def test_answer(service, rng):
        word = rng.slug()
        expect(service.get("/" + word).expect_status(200).json_object()["word"], word, "the word")
    """
)
IDS = ["start.health", "work.answer"]


def texts(value) -> Iterator[str]:
    """Every string in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts(list(value.items()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def outcomes(outcome) -> dict[str, str]:
    return {check.check_id: check.outcome for check in outcome.checks}


FORGED_FRAMES = """
    import struct, threading, time
    def forge():
        frames = b""
        for check_id in ("start.health", "work.answer"):
            for message in (
                {"type": "check_started", "check_id": check_id},
                {"type": "check_finished", "check_id": check_id, "outcome": "passed",
                 "message": "", "duration_ms": 1},
            ):
                data = json.dumps(message).encode()
                frames += struct.pack(">BI", 1, len(data)) + data
        end = json.dumps({"type": "end", "status": "completed", "checks": 2,
                          "detail": "", "app_log_tail": ""}).encode()
        frames += struct.pack(">BI", 1, len(end)) + end
        while True:
            for descriptor in range(64):
                try:
                    os.write(descriptor, frames)
                except OSError:
                    pass
            for pid in os.listdir("/proc"):
                for descriptor in ("0", "1", "2", "3", "4"):
                    try:
                        with open(f"/proc/{pid}/fd/{descriptor}", "wb", 0) as stream:
                            stream.write(frames)
                    except OSError:
                        pass
            time.sleep(0.05)
    import json, os
    threading.Thread(target=forge, daemon=True).start()
"""
STOP_THE_AGENT = """
    import os, signal
    for sig in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        try:
            os.kill(1, sig)
        except OSError:
            pass
"""
PYTEST_HOOKS = {
    "conftest.py": "def pytest_runtest_makereport(item, call):\n    raise SystemExit(0)\n",
    "pytest.ini": "[pytest]\naddopts = --collect-only\n",
    "sitecustomize.py": "import os\nos._exit(0)\n",
    "backpath_sdk/__init__.py": "def check(*a): return lambda f: (lambda: None)\n",
    "test_checks.py": "def test_nothing(): pass\n",
}


@pytest.mark.parametrize(
    ("app", "work"),
    [
        (make_app(before=FORGED_FRAMES), "failed"),
        (make_app(before=STOP_THE_AGENT), "failed"),
        (make_app() | PYTEST_HOOKS, "failed"),
        (make_app("while True: os.write(1, b'x' * 65536)"), "learner_error"),
        (make_app("os._exit(0)"), "learner_error"),
        (make_app("import time; time.sleep(600)"), "learner_error"),
        (
            make_app(
                """
                self.send_response(200)
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                import gzip
                self.wfile.write(gzip.compress(b"0" * (20 << 20)))
                """
            ),
            "failed",
        ),
        (
            make_app(
                """
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(b"x" * 65536)
                """
            ),
            "failed",
        ),
        (
            make_app(
                """
                import time
                self.wfile.write(b"HTTP/1.1 200 OK\\r\\n")
                while True:
                    self.wfile.write(b"X-Drip: 1\\r\\n")
                    time.sleep(0.3)
                """
            ),
            "learner_error",
        ),
        (
            make_app(
                """
                self.send_response(200)
                for number in range(10_000):
                    self.send_header(f"X-Many-{number}", "y" * 20)
                self.end_headers()
                """
            ),
            "failed",
        ),
        (make_app("self.reply(302, {}, [('Location', 'http://127.0.0.1:1/steal')])"), "failed"),
        (
            make_app(
                """
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.send_header("Content-Length", "50")
                self.end_headers()
                self.wfile.write(b"{}")
                """
            ),
            "failed",
        ),
        (make_app("self.wfile.write(b'SSH-2.0-hello\\r\\n\\r\\n')"), "failed"),
        (
            make_app(
                """
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"[" * 500_000)
                """
            ),
            "failed",
        ),
        (
            make_app(
                """
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"word": ' + b"9" * 900_000 + b"}")
                """
            ),
            "failed",
        ),
        (
            make_app(
                """
                print("\\x1b[2J\\u202elog\\x00", flush=True)
                self.send_response(500)
                self.send_header("X-Note", "\\x1b]0;title\\x07")
                self.end_headers()
                self.wfile.write("\\x1b[2J\\u202e\\x00<script>alert(1)</script>".encode())
                """
            ),
            "failed",
        ),
    ],
    ids=[
        "forged-frames-on-every-descriptor",
        "signals-to-the-agent",
        "pytest-hooks-and-shadowed-modules",
        "endless-output",
        "exit-zero",
        "never-answers",
        "gzip-bomb",
        "endless-body",
        "header-drip",
        "ten-thousand-headers",
        "redirect",
        "two-lengths",
        "not-http",
        "nested-json",
        "huge-number",
        "escape-codes-and-markup",
    ],
)
def test_an_attack_gets_its_honest_verdict(run, events, app, work):
    outcome = run(app, GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert outcomes(outcome) == {"start.health": "passed", "work.answer": work}
    told = "\n".join(texts([asdict(event) for event in events if isinstance(event, CheckFinished)]))
    assert "canary-7f3a9c" not in told + outcome.app_log_tail
    assert not set("\x1b\u202e\x00") & set(told + outcome.app_log_tail)


def test_a_memory_bomb_is_told_from_the_engines_record(run):
    outcome = run(
        make_app("x = bytearray(1)\nwhile True: x += b'x' * (8 << 20)"),
        GRADER,
        IDS,
        limits={"app_memory_mb": 96},
    )

    assert outcome.status == "out_of_memory"
    assert outcomes(outcome)["start.health"] == "passed"
    assert by_id(outcome)["work.answer"].outcome == "learner_error"


def test_a_fork_bomb_stays_in_its_box(run):
    app = make_app(
        """
        import time
        while True:
            try:
                if os.fork() == 0:
                    time.sleep(60)
            except OSError:
                pass
        """
    )

    outcome = run(app, GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert outcomes(outcome) == {"start.health": "passed", "work.answer": "learner_error"}


@pytest.mark.parametrize("where", ["DATA_DIR", "HOME"])
def test_a_full_disk_is_the_apps_own(run, where):
    handler = f"""
        try:
            for number in range(100_000):
                with open(os.path.join(os.environ["{where}"], str(number)), "wb") as file:
                    file.write(b"x" * (4 << 20))
        except OSError as error:
            self.reply(507, {{"full": error.strerror}})
    """

    outcome = run(make_app(handler), GRADER, IDS, limits={"app_memory_mb": 512})

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].actual == "507 Insufficient Storage"


def test_a_daemon_does_not_outlive_its_group(run):
    app = make_app(
        """
        if self.path == "/spawn":
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp("sleep", ["sleep", "4711"])
                os._exit(0)
            return self.reply(200, {})
        found = []
        for pid in os.listdir("/proc"):
            try:
                found.append(open(f"/proc/{pid}/cmdline").read())
            except OSError:
                pass
        self.reply(200, [line for line in found if "4711" in line and "sleep" in line])
        """
    )
    grader = make_grader(
        """
        import time

        @check("a.spawn")
        def test_spawn(service):
            service.get("/spawn").expect_status(200)
            for _ in range(50):
                if service.get("/list").json_list():
                    return
                time.sleep(0.1)
            fail("the daemon does not run")

        @check("b.gone")
        def test_gone(service):
            expect(service.get("/list").json_list(), [], "the daemon is gone")
        """
    )

    outcome = run(app, grader, ["a.spawn", "b.gone"])

    assert [check.message for check in outcome.checks] == ["", ""]


def test_an_app_that_ends_its_container_costs_nobody_else(run):
    """With its agent gone the service cannot come back; the run still ends, in order."""
    app = make_app(
        """
        import ctypes
        # The agent is PID 1 and takes no signal from inside; what can be tried is everything else.
        os.system("kill -9 -1")
        """
    )

    outcome = run(app, GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert outcomes(outcome) == {"start.health": "passed", "work.answer": "learner_error"}
