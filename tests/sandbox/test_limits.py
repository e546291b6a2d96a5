"""Each limit, met for real: its kind, its figure, the words for it, and the results so far."""

from __future__ import annotations

import pytest

from backpath.execution.outcome import LimitHit, RunOutcome
from backpath.grading.limit_words import limit_words
from tests.sandbox.conftest import Run, by_id
from tests.sandbox.factories import make_app, make_grader

pytestmark = pytest.mark.docker

GRADER = make_grader("""
    @check("start.health")
    def test_health(service):
        service.get("/health").expect_status(200)

    @check("work.answer")
    def test_answer(service):
        service.get("/work").expect_status(200)

    @check("work.after")
    def test_after(service):
        service.get("/health").expect_status(200)
""")
IDS = ["start.health", "work.answer", "work.after"]
# Nothing is asked of an app that cannot take another connection.
SHORT = make_grader("""
    @check("start.health")
    def test_health(service):
        service.get("/health").expect_status(200)

    @check("work.answer")
    def test_answer(service):
        service.get("/work").expect_status(200)
""")
SHORT_IDS = ["start.health", "work.answer"]
# Asks again and again, so that only a clock ends it.
PATIENT = make_grader("""
    import time

    @check("start.health")
    def test_health(service):
        service.get("/health").expect_status(200)

    @check("work.answer")
    def test_answer(service):
        while True:
            try:
                service.get("/work")
            except CheckFailed:
                pass
            time.sleep(0.2)

    @check("work.after")
    def test_after(service):
        service.get("/health").expect_status(200)
""")


def outcomes(outcome: RunOutcome) -> dict[str, str]:
    return {check.check_id: check.outcome for check in outcome.checks}


def limit_of(outcome: RunOutcome) -> LimitHit:
    assert outcome.limit is not None, outcome
    return outcome.limit


def told(limit: LimitHit) -> str:
    words = limit_words(vars(limit))
    assert words is not None
    return f"{words.headline} {words.told} {words.cause}"


def test_the_clock_on_the_wall(run: Run) -> None:
    app = make_app("import time; time.sleep(4); self.reply(200, {})")

    outcome = run(app, PATIENT, IDS, limits={"wall_seconds": 3, "check_seconds": 30})

    limit = limit_of(outcome)
    assert outcome.status == "timed_out"
    assert (limit.kind, limit.limit, limit.unit) == ("wall", 3.0, "s")
    # The run ends some time after its clock does: on a busy host that may take seconds.
    assert limit.used is not None
    assert 3.0 <= limit.used < 15
    assert by_id(outcome)["start.health"].outcome == "passed"
    assert "Time ran out after 3 seconds." in told(limit)


def test_computing_time_counts_from_when_the_app_is_ready(run: Run) -> None:
    # As much computing before it answers at all as it may do later: none of it counts.
    slow_start = """
        import time
        end = time.process_time() + 2
        while time.process_time() < end: pass
    """
    app = make_app("while True: pass", before=slow_start)

    outcome = run(
        app,
        PATIENT,
        IDS,
        limits={"cpu_seconds": 2, "wall_seconds": 60, "check_seconds": 60, "ready_seconds": 60},
    )

    limit = limit_of(outcome)
    assert outcome.status == "timed_out"
    assert (limit.kind, limit.limit, limit.unit) == ("cpu", 2.0, "s")
    assert limit.used is not None
    assert 2.0 <= limit.used < 2.5
    # What was finished by then counts.
    assert outcomes(outcome) == {"start.health": "passed"}
    assert "used up its 2 seconds of computing time" in told(limit)
    assert "loop without an end" in told(limit)


def test_waiting_costs_no_computing_time(run: Run) -> None:
    app = make_app("import time; time.sleep(3); self.reply(200, {})")

    outcome = run(app, GRADER, IDS, limits={"cpu_seconds": 1})

    assert outcome.status == "completed", outcome.detail
    assert set(outcomes(outcome).values()) == {"passed"}
    assert outcome.limit is None


def test_memory(run: Run) -> None:
    app = make_app("x = bytearray(1)\nwhile True: x += b'x' * (8 << 20)")

    outcome = run(app, GRADER, IDS, limits={"app_memory_mb": 96})

    limit = limit_of(outcome)
    assert outcome.status == "out_of_memory"
    assert (limit.kind, limit.limit, limit.unit) == ("memory", 96.0, "MiB")
    # cgroup v1 and newer v2 know the peak; where nobody does, nothing is made up.
    assert limit.used is None or 86 <= limit.used <= 96
    assert by_id(outcome)["start.health"].outcome == "passed"
    assert "needed more than 96 MB of memory" in told(limit)


def test_memory_of_a_child_that_the_app_survives(run: Run) -> None:
    app = make_app("""
        if self.path == "/work":
            if os.fork() == 0:
                hoard = bytearray(200 << 20)
                os._exit(0)
            os.wait()
        self.reply(500, {})
    """)

    outcome = run(app, GRADER, IDS, limits={"app_memory_mb": 96})

    assert outcome.status == "out_of_memory"
    assert limit_of(outcome).kind == "memory"
    assert outcomes(outcome) == {
        "start.health": "passed",
        "work.answer": "failed",
        "work.after": "passed",
    }


def test_processes_and_threads(run: Run) -> None:
    app = make_app("""
        import threading, time
        try:
            while True:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError as error:
            self.reply(503, {"error": str(error)})
    """)

    outcome = run(app, GRADER, IDS, limits={"app_pids": 48})

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].outcome == "failed"
    assert limit_of(outcome) == LimitHit("processes", 48, 48, "processes")
    assert "had 48 processes and threads, which is the limit here" in told(limit_of(outcome))


def test_a_full_disk(run: Run) -> None:
    app = make_app("""
        try:
            for number in range(1000):
                with open(os.path.join(os.environ["DATA_DIR"], str(number)), "wb") as file:
                    file.write(b"x" * (4 << 20))
        except OSError as error:
            self.reply(507, {"full": error.strerror})
    """)

    outcome = run(app, GRADER, IDS, limits={"app_memory_mb": 512})

    limit = limit_of(outcome)
    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].outcome == "failed"
    assert (limit.kind, limit.limit, limit.unit) == ("disk", 128.0, "MiB")
    assert limit.used == pytest.approx(128.0, abs=1.3)
    assert "all 128 MB" in told(limit) or "of 128 MB" in told(limit)


def test_as_many_files_as_there_may_be(run: Run) -> None:
    app = make_app("""
        try:
            for number in range(100_000):
                open(os.path.join(os.environ["DATA_DIR"], str(number)), "w").close()
        except OSError as error:
            self.reply(507, {"full": error.strerror})
    """)

    outcome = run(app, GRADER, IDS)

    limit = limit_of(outcome)
    assert outcome.status == "completed", outcome.detail
    assert (limit.kind, limit.limit, limit.unit) == ("inodes", 8192, "files")
    assert limit.used is not None
    assert 8110 <= limit.used <= 8192
    assert "8,192 is the limit here" in told(limit)


def test_a_file_that_cannot_grow(run: Run) -> None:
    app = make_app("""
        try:
            with open("large", "wb") as file:
                while True:
                    file.write(b"x" * (4 << 20))
        except OSError as error:
            self.reply(507, {"full": error.strerror})
    """)

    outcome = run(app, GRADER, IDS, limits={"app_memory_mb": 512})

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].outcome == "failed"
    assert limit_of(outcome) == LimitHit("file_size", 128.0, 128.0, "MiB")
    assert "One file reached 128 MB" in told(limit_of(outcome))


def test_open_files(run: Run) -> None:
    app = make_app("""
        if self.path == "/work":
            kept = self.server.kept = []
            try:
                while True:
                    kept.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                self.reply(503, {"error": error.strerror})
    """)

    outcome = run(app, SHORT, SHORT_IDS)

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].outcome == "failed"
    limit = limit_of(outcome)
    assert (limit.kind, limit.limit, limit.unit) == ("open_files", 1024, "files")
    # The connection of the answer itself is closed again by the time of the look.
    assert limit.used is not None
    assert 1020 <= limit.used <= 1024
    assert "files and connections open" in told(limit)


def test_a_failure_without_a_limit_names_none(run: Run) -> None:
    outcome = run(make_app("self.reply(404, {})"), GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["work.answer"].outcome == "failed"
    assert outcome.limit is None


def test_a_limit_that_was_met_while_everything_passed_is_not_named(run: Run) -> None:
    app = make_app("""
        import threading, time
        try:
            while True:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            self.reply(200, {})
    """)

    outcome = run(app, SHORT, SHORT_IDS, limits={"app_pids": 48})

    assert outcomes(outcome) == {"start.health": "passed", "work.answer": "passed"}
    assert outcome.limit is None


def test_an_app_that_claims_to_have_met_a_limit_changes_no_verdict(run: Run) -> None:
    """What learner code prints in place of the agent is no word of the agent's."""
    forged = """
        import struct
        word = b'{"type":"inside","process_limit_hits":9,"out_of_memory_kills":9}'
        for fd in range(1, 20):
            try:
                os.write(fd, struct.pack(">BI", 1, len(word)) + word)
            except OSError:
                pass
        self.reply(404, {})
    """

    outcome = run(make_app(forged), GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert by_id(outcome)["start.health"].outcome == "passed"
    assert outcome.limit is None
