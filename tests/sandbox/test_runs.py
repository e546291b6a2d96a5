"""Whole runs in the real sandbox: what a run reports, in which order, and for whom."""

from __future__ import annotations

import json

import pytest

from backpath.execution.outcome import CheckFinished, CheckStarted, Phase
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import make_app, make_grader, make_manifest, make_request

pytestmark = pytest.mark.docker

GRADER = make_grader(
    """
    @check("start.boots")
    def test_boots(service):
        service.get("/health").expect_status(200)

    @check("read.path")
    def test_path(service, rng):
        path = "/" + rng.slug()
        expect(service.get(path).json_object()["path"], path, "the path comes back")
    """
)
IDS = ["start.boots", "read.path"]


def test_a_correct_app_completes_with_every_check_passed(run, events):
    outcome = run(make_app(), GRADER, IDS)

    assert outcome.status == "completed", outcome.detail
    assert {check.check_id: check.outcome for check in outcome.checks} == dict.fromkeys(
        IDS, "passed"
    )
    assert [event.name for event in events if isinstance(event, Phase)] == [
        "starting",
        "app_starting",
        "checking",
        "finishing",
    ]
    assert [
        (type(event), event.check_id)
        for event in events
        if isinstance(event, CheckStarted | CheckFinished)
    ] == [(kind, name) for name in IDS for kind in (CheckStarted, CheckFinished)]
    assert set(outcome.timings) == {"sandbox", "app_start", "checks", "total"}
    assert outcome.image_digests["app"].startswith("sha256:")
    assert outcome.packages["python"].startswith("3.13")


def test_a_failed_check_shows_what_was_tried_and_what_came_back(run):
    grader = make_grader(
        """
        @check("read.path")
        def test_path(service):
            answer = service.post("/articles", json={"title": "It's ok"}).expect_status(201)
        """
    )

    outcome = run(make_app(), grader, ["read.path"])

    check = by_id(outcome)["read.path"]
    assert check.outcome == "failed"
    assert check.expected == "201 Created"
    assert check.actual == "501 Not Implemented"
    assert check.message == "POST /articles answered 501; the spec asks for 201."
    exchange = check.exchanges[-1]
    assert exchange["status"] == 501
    assert exchange["curl"] == (
        "curl -i -X POST http://localhost:8000/articles \\\n"
        "    -H 'Content-Type: application/json' \\\n"
        '    --data-raw \'{"title": "It\'"\'"\'s ok"}\''
    )


def test_a_hidden_check_shows_no_request_and_no_assertion(run):
    grader = make_grader(
        """
        @check("read.one")
        def test_one(service):
            assert service.get("/canary-4711").status == 404

        @check("read.two")
        def test_two(service):
            service.get("/canary-4711")
            fail("Unknown pages must answer 404.")
        """
    )

    outcome = run(make_app(), grader, ["read.one", "read.two"], hidden=["read.one", "read.two"])

    one, two = by_id(outcome)["read.one"], by_id(outcome)["read.two"]
    assert (one.outcome, two.outcome) == ("failed", "failed")
    assert two.message == "Unknown pages must answer 404."
    for check in (one, two):
        assert check.exchanges == []
        assert check.expected is None
        assert check.actual is None
        assert "canary" not in repr(check)


def test_the_same_seed_gives_the_same_values_whatever_the_order(run):
    grader = make_grader(
        """
        @check("a.one")
        def test_one(rng):
            fail(rng.title())

        @check("a.two")
        def test_two(rng):
            fail(rng.title())
        """
    )
    ids = ["a.one", "a.two"]

    first = by_id(run(make_app(), grader, ids))
    second = by_id(run(make_app(), grader, ids[::-1], shuffle=True))
    other = by_id(run(make_app(), grader, ids, seed=8))

    assert first["a.one"].message == second["a.one"].message
    assert first["a.one"].message != first["a.two"].message
    assert first["a.one"].message != other["a.one"].message


def test_every_group_gets_a_fresh_process_files_and_data(run):
    handler = """
        import pathlib
        marks = [pathlib.Path(os.environ["DATA_DIR"], "mark"), pathlib.Path("mark")]
        seen = [mark.exists() for mark in marks] + [hasattr(Handler, "mark")]
        for mark in marks:
            mark.write_text("x")
        Handler.mark = True
        self.reply(200, seen)
    """
    grader = make_grader(
        """
        @check("a.first")
        def test_first(service):
            expect(service.get("/").json_list(), [False, False, False], "all fresh")

        @check("a.same")
        def test_same(service):
            expect(service.get("/").json_list(), [True, True, True], "nothing fresh")

        @check("a.restarted")
        def test_restarted(service):
            service.restart()
            expect(service.get("/").json_list(), [True, True, False], "a fresh process only")

        @check("b.next")
        def test_next(service):
            expect(service.get("/").json_list(), [False, False, False], "all fresh again")
        """
    )

    outcome = run(make_app(handler), grader, ["a.first", "a.same", "a.restarted", "b.next"])

    assert [check.message for check in outcome.checks] == ["", "", "", ""]


def test_a_crash_fails_one_check_and_the_next_finds_a_living_service(run):
    handler = """
        if self.path == "/die":
            print("about to die", flush=True)
            os._exit(7)
        self.reply(200, {})
    """
    grader = make_grader(
        """
        @check("a.die")
        def test_die(service):
            service.get("/die")

        @check("a.after")
        def test_after(service):
            service.get("/").expect_status(200)
        """
    )

    outcome = run(make_app(handler), grader, ["a.die", "a.after"])

    checks = by_id(outcome)
    assert outcome.status == "completed"
    assert checks["a.die"].outcome == "learner_error"
    assert "it exited with code 7" in checks["a.die"].message
    assert "about to die" in checks["a.die"].output
    assert checks["a.after"].outcome == "passed"


@pytest.mark.parametrize(
    ("app", "detail", "log"),
    [
        ({"app.py": ""}, "no file named Procfile", ""),
        ({"Procfile": "worker: x\n"}, "no line that starts with `web:`", ""),
        (make_app(before="import flaks"), "exited with code 1", "No module named 'flaks'"),
        ({"Procfile": "web: nonsense\n"}, "exited with code 127", "nonsense: not found"),
        (
            make_app(before="print('thinking', flush=True)\nimport time\ntime.sleep(99)"),
            "not ready within 2 s: nothing listened on the port",
            "thinking",
        ),
    ],
    ids=["no-procfile", "no-web-line", "import-error", "no-such-command", "never-listens"],
)
def test_an_app_that_does_not_start_is_said_so_with_its_log(run, app, detail, log):
    outcome = run(app, GRADER, IDS, limits={"ready_seconds": 2})

    assert outcome.status == "app_not_ready"
    assert detail in outcome.detail
    assert log in outcome.app_log_tail
    assert outcome.checks == []


def test_needs_and_gates_decide_what_is_not_reached(run):
    grader = make_grader(
        """
        @check("start.boots")
        def test_boots(service):
            fail("no")

        @check("start.other")
        def test_other(service):
            pass

        @check("read.path")
        def test_path(service):
            raise RuntimeError("must not run")
        """
    )

    outcome = run(
        make_app(),
        grader,
        ["start.boots", "start.other", "read.path"],
        gates=["start"],
        blocking=["start.boots"],
    )

    assert outcome.status == "completed"
    assert {check.check_id: check.outcome for check in outcome.checks} == {
        "start.boots": "failed",
        "start.other": "passed",
        "read.path": "not_reached",
    }


def test_a_check_that_needs_a_failed_one_is_not_reached(run):
    grader = make_grader(
        """
        @check("a.late")
        def test_late():
            raise RuntimeError("must not run")

        @check("b.early")
        def test_early():
            fail("no")
        """
    )

    outcome = run(make_app(), grader, ["a.late", "b.early"], requires={"a.late": ["b.early"]})

    checks = by_id(outcome)
    assert list(checks) == ["b.early", "a.late"]
    assert checks["a.late"].outcome == "not_reached"
    assert checks["a.late"].message == "Not run: it needs b.early to pass first."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("@check('a.one')\ndef test_one():\n    raise KeyError('x')", "KeyError"),
        # A module that nobody has would be the learner's to bring.
        ("from json import nothing_there", "nothing_there"),
        ("def test_one():\n    pass", "decides no check"),
        ("@check('a.two')\ndef test_one():\n    pass", "unknown check a.two"),
        ("", "no test decides a.one"),
    ],
    ids=["raises", "import-error", "unbound", "unknown-id", "no-test"],
)
def test_a_broken_grader_is_the_authors_fault(run, body, words):
    outcome = run(make_app(), make_grader(body), ["a.one"])

    assert outcome.status == "grader_error"
    assert words in outcome.detail


def test_several_tests_may_decide_one_check(run):
    grader = make_grader(
        """
        import pytest

        @check("a.all")
        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_all(number):
            expect(number, 2, f"{number} is two")

        @check("a.good")
        @pytest.mark.parametrize("number", [1, 2])
        def test_good(number):
            expect(number, number, "equal")
        """
    )

    outcome = run(make_app(), grader, ["a.all", "a.good"])

    assert by_id(outcome)["a.all"].message == "1 is two"
    assert by_id(outcome)["a.good"].outcome == "passed"


def test_a_check_that_takes_too_long_is_timed_out_and_the_rest_goes_on(run):
    grader = make_grader(
        """
        import time

        @check("a.slow")
        def test_slow(service):
            time.sleep(30)

        @check("a.next")
        def test_next(service):
            service.get("/").expect_status(200)
        """
    )

    outcome = run(make_app(), grader, ["a.slow", "a.next"], limits={"check_seconds": 1})

    checks = by_id(outcome)
    assert checks["a.slow"].outcome == "timed_out"
    assert "longer than 1 s" in checks["a.slow"].message
    assert checks["a.next"].outcome == "passed"


def test_when_the_time_for_all_checks_is_over_results_so_far_are_kept(run):
    grader = make_grader(
        """
        import time

        @check("a.quick")
        def test_quick(service):
            pass

        @check("a.slow")
        def test_slow(service):
            time.sleep(30)

        @check("a.never")
        def test_never(service):
            pass
        """
    )

    outcome = run(make_app(), grader, ["a.quick", "a.slow", "a.never"], limits={"wall_seconds": 2})

    assert outcome.status == "timed_out"
    assert {check.check_id: check.outcome for check in outcome.checks} == {"a.quick": "passed"}


def test_the_engine_stops_when_told_to(engine, docker_client, job_id):
    seen = []
    grader = make_grader(
        """
        import time

        @check("a.slow")
        def test_slow(service):
            time.sleep(30)
        """
    )
    request = make_request(
        app=make_app(), grader=grader, manifest=make_manifest(["a.slow"]), job_id=job_id
    )

    outcome = engine.run(
        request,
        on_event=seen.append,
        should_stop=lambda: any(isinstance(event, CheckStarted) for event in seen),
    )

    assert outcome.status == "infrastructure_error"
    assert "called off" in outcome.detail
    engine.settle()
    assert (
        docker_client.containers.list(all=True, filters={"label": f"backpath.job={job_id}"}) == []
    )


def test_results_are_plain_data(run):
    outcome = run(make_app(), GRADER, IDS)

    assert json.loads(json.dumps([check.__dict__ for check in outcome.checks]))
