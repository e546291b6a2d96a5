"""What a report shows first, in what order, and what it keeps to itself."""

import pytest

from backpath.catalog.selectors import SectionLink
from backpath.grading.check_view import duration_text
from backpath.grading.presentation import report_json, report_page
from backpath.grading.priorities import blockers, fix_order
from tests.grading.report_factories import (
    make_definition,
    make_exchange,
    make_report,
    make_results,
)

PATCH_FAILED = {
    "patch.keeps": "failed",
    "patch.twice": "not_reached",
    "patch.null": "not_reached",
}
LINK = SectionLink("put-vs-patch", "patch", "PUT or PATCH", "PATCH changes part")


def test_the_first_blocking_failure_is_open_and_the_rest_in_order_of_mending() -> None:
    results = make_results({"read.item": "failed", "patch.secret": "failed", **PATCH_FAILED})
    page = report_page(make_report(results), results)
    assert page.first is not None
    assert page.first.id == "patch.keeps"
    assert (page.first.place, page.first.group_size) == (1, 4)
    assert [check.id for check in page.others] == ["read.item", "patch.secret"]
    assert [check.id for check in page.not_reached] == ["patch.twice", "patch.null"]
    assert page.not_reached_points == 20
    assert page.not_reached_reason == ": they need “Title of patch.keeps” first"
    assert page.counts == {"pass": 4, "fail": 2 + 1, "skip": 2} | {"pass": 3}


def test_what_waits_is_traced_through_checks_that_were_not_reached_themselves() -> None:
    results = make_results(PATCH_FAILED)
    assert blockers(make_definition(), results) == {
        "patch.twice": frozenset({"patch.keeps"}),
        "patch.null": frozenset({"patch.keeps"}),
    }


def test_a_failed_gate_comes_first_and_everything_behind_it_waits_for_it() -> None:
    outcomes = dict.fromkeys(
        ("read.collection", "read.item", *PATCH_FAILED, "patch.secret"), "not_reached"
    )
    results = make_results({"start.health": "failed", **outcomes})
    waiting = blockers(make_definition(), results)
    assert waiting["read.item"] == frozenset({"start.health"})
    page = report_page(make_report(results), results)
    assert page.first is not None
    assert page.first.id == "start.health"
    assert page.words.headline == "The checks stopped at the first door."
    assert "the 6 behind it" in page.words.advice


def test_among_equals_the_failure_that_most_points_wait_for_comes_first() -> None:
    definition = make_definition()
    for check in definition["checks"]:
        check["blocking"] = False
    results = make_results({"read.collection": "failed", **PATCH_FAILED})
    assert fix_order(definition, results) == ["patch.keeps", "read.collection"]


def test_requirements_in_a_circle_do_not_hang() -> None:
    definition = make_definition()
    by_id = {check["id"]: check for check in definition["checks"]}
    by_id["patch.twice"]["requires"] = ["patch.null"]
    results = make_results({"patch.twice": "not_reached", "patch.null": "not_reached"})
    assert blockers(definition, results) == {
        "patch.twice": frozenset(),
        "patch.null": frozenset(),
    }


def test_a_failure_says_everything_that_teaches() -> None:
    results = make_results(
        PATCH_FAILED,
        patch_keeps={
            "message": "The body is gone.",
            "expected": '{"body": "Roast"}',
            "actual": '{"body": null}',
            "exchanges": [make_exchange(method="POST", status=201), make_exchange()],
        },
    )
    page = report_page(make_report(results), results, lessons={"put-vs-patch#patch": LINK})
    check = page.first
    assert check is not None
    assert check.message == "The body is gone."
    assert [line.kind for line in check.diff] == ["same", "want", "got", "same"]
    assert [exchange.answer for exchange in check.earlier_exchanges] == ["201 Created"]
    last = check.last_exchange
    assert last is not None
    assert last.answer == "200 OK"
    assert last.elapsed == "14 ms"
    assert last.headers == (("content-type", "application/json"),)
    assert last.body.text == '{\n  "id": 7,\n  "body": null\n}'
    assert check.hints == ("First hint of patch.keeps", "Second hint", "Third hint")
    assert check.lesson == LINK
    assert check.why == "Why patch.keeps matters to `clients`."


def test_a_hidden_check_tells_its_name_its_purpose_and_its_words_only() -> None:
    secret = {
        "message": "An article of somebody else can be read.",
        "expected": "the secret input",
        "actual": "the secret answer",
        "output": "assert secret == input",
        "exchanges": [make_exchange(path="/secret-path", elapsed_ms=5000)],
    }
    results = make_results({"patch.secret": "failed"}, patch_secret=secret)
    report = make_report(results)
    page = report_page(report, results, lessons={"put-vs-patch#patch": LINK})
    check = page.first
    assert check is not None
    assert (check.title, check.message) == ("Title of patch.secret", secret["message"])
    assert check.is_hidden
    assert check.why
    assert (check.diff, check.exchanges, check.output.text) == ((), (), "")
    assert page.slowest is None
    assert "secret-path" not in str(report_json(report, page))
    assert "secret input" not in str(report_json(report, page))


def test_what_changed_since_the_attempt_before() -> None:
    before = make_results({"read.item": "failed", **PATCH_FAILED})
    now = make_results({"read.collection": "failed"})
    page = report_page(
        make_report(now),
        now,
        previous=make_report(before),
        previous_results=before,
        previous_number=3,
        is_same_grader=False,
    )
    since = page.since
    assert since is not None
    assert (since.number, since.score, since.delta_text) == (3, 45, "+35")
    assert [check.id for check in since.now_passing] == [
        "read.item",
        "patch.keeps",
        "patch.twice",
        "patch.null",
    ]
    assert [check.id for check in since.now_failing] == ["read.collection"]
    assert not since.is_same_grader
    assert [group.delta_text for group in page.groups] == ["same", "same", "+35"]
    assert page.first is not None
    assert page.first.change == "new"


def test_an_attempt_that_never_ran_is_nothing_to_compare_with() -> None:
    nothing = make_results(dict.fromkeys([r.check_id for r in make_results()], "not_reached"))
    now = make_results({"read.item": "failed"})
    page = report_page(
        make_report(now),
        now,
        previous=make_report(nothing, verdict="errored"),
        previous_results=nothing,
        previous_number=1,
    )
    assert page.since is None


def test_an_application_that_did_not_start_shows_its_last_lines_and_no_score() -> None:
    nothing = make_results(dict.fromkeys([r.check_id for r in make_results()], "not_reached"))
    log = "\n".join(f"line {number}" for number in range(80)) + "\nImportError: no module named app"
    page = report_page(make_report(nothing, verdict="errored", app_log_tail=log), nothing)
    assert not page.is_graded
    assert page.first is None
    assert page.log is not None
    assert page.log.text.endswith("ImportError: no module named app")
    assert len(page.log.text.split("\n")) == 50
    assert page.not_reached_reason == ": the application did not start"
    assert "no attempt is lost" in page.words.advice


def test_group_rows_lead_to_what_says_most_about_them() -> None:
    results = make_results({"read.item": "failed", **PATCH_FAILED})
    page = report_page(make_report(results), results)
    assert [(group.id, group.target, group.fill) for group in page.groups] == [
        ("start", "group-start", "full"),
        ("read", "check-read-item", "part"),
        ("patch", "first", "part"),
    ]


def test_time_is_told_phase_by_phase() -> None:
    results = make_results(
        {"read.item": "failed"},
        read_item={"exchanges": [make_exchange(path="/articles?page=2", elapsed_ms=212)]},
    )
    page = report_page(make_report(results), results)
    assert [(row.label, row.duration) for row in page.times] == [
        ("Waiting in the queue", "22.0 s"),
        ("Preparing the sandbox", "1.2 s"),
        ("Starting your application", "800 ms"),
        ("8 checks", "11.8 s"),
        ("In all", "36.0 s"),
    ]
    assert page.slowest == ("PATCH /articles?page=2", "212 ms")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_940, "59.9 s"), (125_000, "2 min 5 s")],
)
def test_durations(milliseconds: int, text: str) -> None:
    assert duration_text(milliseconds) == text


def test_a_request_without_an_answer_says_why() -> None:
    failed = {"exchanges": [make_exchange(status=None, error="did not answer within 5 s")]}
    results = make_results({"read.item": "timed_out"}, read_item=failed)
    check = report_page(make_report(results), results).first
    assert check is not None
    assert check.outcome == "Timed out"
    assert check.last_exchange is not None
    assert check.last_exchange.answer == ""
    assert check.last_exchange.error == "did not answer within 5 s"


def test_the_points_needed_are_rounded_up() -> None:
    results = make_results()
    report = make_report(results, definition=make_definition(pass_score=79), verdict="passed")
    report.max_score = 30
    assert report_page(report, results).needed == 24


def test_the_report_as_json_repeats_the_numbers_of_the_page() -> None:
    results = make_results({"read.item": "failed"}, read_item={"message": "Got 500."})
    report = make_report(results)
    told = report_json(report, report_page(report, results))
    assert (told["version"], told["verdict"]) == (1, "failed")
    assert (told["score"], told["max_score"], told["pass_score"]) == (80, 100, 80)
    outcomes = {check["id"]: check["outcome"] for check in told["checks"]}
    assert outcomes["read.item"] == "failed"
    assert list(outcomes.values()).count("passed") == 7
    [failed] = [check for check in told["checks"] if check["id"] == "read.item"]
    assert failed["message"] == "Got 500."


MEMORY = {"kind": "memory", "limit": 512.0, "used": 511.9, "unit": "MiB"}
THREADS = {"kind": "processes", "limit": 64.0, "used": 64.0, "unit": "processes"}


def test_a_limit_that_decided_is_in_the_first_words_and_nowhere_else() -> None:
    results = make_results(dict.fromkeys(("patch.keeps", "patch.twice"), "not_reached"))
    report = make_report(results, verdict="out_of_memory", limit=MEMORY, origin="warm")
    page = report_page(report, results)
    assert page.words.headline == "Your application needed more than 512 MB of memory."
    assert "It had 511.9 MB in use" in page.words.advice
    assert page.limit is None
    told = report_json(report, page)
    assert (told["limit"], told["limit_note"], told["origin"]) == (MEMORY, None, "warm")


@pytest.mark.parametrize("verdict", ["failed", "errored", "passed"])
def test_a_limit_that_failed_checks_met_is_a_note(verdict: str) -> None:
    results = make_results({"read.item": "failed"})
    report = make_report(results, verdict=verdict, limit=THREADS)
    page = report_page(report, results)
    assert page.limit is not None
    assert "64 processes and threads" in page.limit.told
    assert "64 processes" not in page.words.advice
    told = report_json(report, page)
    assert told["limit"] == THREADS
    assert told["limit_note"].startswith("Your application had 64 processes and threads")
    assert told["origin"] is None


def test_where_everything_passed_a_limit_explains_nothing() -> None:
    results = make_results()
    report = make_report(results, verdict="passed", limit=THREADS)
    assert report_page(report, results).limit is None


def test_a_report_from_before_limits_were_kept_has_its_words_still() -> None:
    results = make_results({"patch.keeps": "timed_out"})
    page = report_page(make_report(results, verdict="timed_out"), results)
    assert page.words.headline == "Time ran out after 120 seconds."
    assert page.limit is None
