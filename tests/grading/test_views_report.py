"""Watching and reading: every state of an attempt, and text from a hostile application."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backpath.accounts.models import User
from backpath.catalog.models import Assignment, LearningPath, Lesson, Module
from backpath.execution.outcome import LimitHit, Phase, RunOutcome
from backpath.grading import jobs
from backpath.grading.models import GradingJob, Report, Submission
from backpath.grading.storage import archive_name
from tests.grading.factories import (
    make_assignment,
    make_bundle,
    make_check,
    make_exchange,
    make_outcome,
    make_submission,
    make_user,
)
from tests.grading.fakes import FakeEngine
from tests.grading.page_checks import read_page, text_of

pytestmark = pytest.mark.django_db

CHECKS: list[dict[str, Any]] = [
    {
        "id": "start.health",
        "title": "GET /health answers",
        "points": 20,
        "blocking": True,
        "why": "Nothing else can be asked of it otherwise.",
        "lesson": "put-vs-patch#patch",
        "hints": ["Does `GET /health` have a route?"],
    },
    {
        "id": "read.list",
        "title": "GET /articles lists",
        "points": 50,
        "blocking": True,
        "why": "A client that gets `null` cannot go on.",
        "lesson": "put-vs-patch#patch",
        "hints": ["Look at the list.", "Return it.", "Return a JSON list."],
    },
    {
        "id": "read.item",
        "title": "GET /articles/7 answers one",
        "points": 10,
        "requires": ["read.list"],
        "why": "One is what a page shows.",
        "lesson": "not-written#yet",
        "hints": ["Look it up."],
    },
    {
        "id": "read.secret",
        "title": "Something hidden",
        "points": 20,
        "hidden": True,
        "why": "Others must not see it.",
        "lesson": "put-vs-patch#patch",
        "hints": ["Who may read it?"],
    },
]
HOSTILE = (
    "<script>alert(1)</script>\u202e\x1b[31mred\x00 </pre><img src=x onerror=alert(1)> "
    "{{ 7|add:7 }}"
)


@pytest.fixture
def learner(client: Client) -> User:
    learner = make_user(username="mara")
    client.force_login(learner)
    return learner


@pytest.fixture
def assignment() -> Assignment:
    return make_assignment(checks=CHECKS)


@pytest.fixture
def submission(learner: User, assignment: Assignment) -> Submission:
    return make_submission(learner=learner, assignment=assignment)


def make_lesson(slug: str = "put-vs-patch") -> Lesson:
    shared = {"content_hash": "0" * 64, "changed_at": timezone.now()}
    path = LearningPath.objects.create(
        slug="data-and-rest", title="Data", summary="", position=1, **shared
    )
    module = Module.objects.create(
        path=path, slug="rest", number=4, code="M4", title="REST", summary="", **shared
    )
    return Lesson.objects.create(
        module=module,
        slug=slug,
        number=1,
        position=1,
        title="PUT or PATCH",
        outcome="merge on purpose",
        minutes=15,
        word_count=500,
        source="",
        html="",
        toc=[{"id": "patch", "title": "PATCH changes part", "level": 2}],
        render_key="0" * 64,
        **shared,
    )


def grade(submission: Submission, outcome: RunOutcome | Exception) -> GradingJob:
    job = jobs.request_job(submission)
    jobs.run_job(job_id=job.pk, engine=FakeEngine(outcome), worker_name="here")
    job.refresh_from_db()
    return job


def outcome_with(**outcomes: Any) -> RunOutcome:
    """All checks passed but those given, by id with an underscore for the dot; a value is an
    outcome or the changes of a failed check."""
    checks = []
    for spec in CHECKS:
        given = outcomes.get(spec["id"].replace(".", "_"), "passed")
        changes = given if isinstance(given, dict) else {}
        checks.append(
            make_check(spec["id"], "failed" if isinstance(given, dict) else given, **changes)
        )
    return make_outcome(checks=checks)


def report_url(submission: Submission) -> str:
    return reverse("grading:report", args=[submission.pk])


def html_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response
    return response.content.decode()


# Watching ---------------------------------------------------------------------------------


def test_a_waiting_attempt_shows_its_place_and_all_checks(
    client: Client, submission: Submission
) -> None:
    ahead = make_submission()
    jobs.request_job(ahead)
    GradingJob.objects.update(queue="projects", requested_at=timezone.now() - timedelta(minutes=1))
    jobs.request_job(submission)
    html = html_of(client, reverse("grading:submission", args=[submission.pk]))
    text = text_of(html)
    assert "One other before it" in text
    assert "0 of 4 checks done" in text
    assert text.count("GET /articles lists") == 1
    assert html.count('data-state="wait"') == 4
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in html
    assert "No grader is available" in text


def test_a_running_attempt_shows_what_is_done(client: Client, submission: Submission) -> None:
    seen: list[str] = []

    def look(_request: Any, on_event: Any, _should_stop: Any) -> None:
        on_event(Phase("checking"))
        on_event(make_check("start.health"))
        on_event(make_check("read.list", "failed"))
        on_event(make_check("read.item", "not_reached"))
        seen.append(html_of(client, reverse("grading:submission", args=[submission.pk])))

    job = jobs.request_job(submission)
    jobs.run_job(job_id=job.pk, engine=FakeEngine(outcome_with(), on_run=look), worker_name="here")
    [html] = seen
    text = text_of(html)
    assert "3 of 4 checks done" in text
    assert "1 passed" in text
    assert "1 failed" in text
    assert 'class="on" aria-current="step"' in html
    assert "data-status>Running the checks</p>" in html
    last = job.events.order_by("pk")[4]
    assert last.payload["check_id"] == "read.item"
    assert f'data-after="{last.pk}"' in html


def test_a_restart_is_told_and_begins_anew(client: Client, submission: Submission) -> None:
    grade(submission, RuntimeError("disk"))
    html = html_of(client, reverse("grading:submission", args=[submission.pk]))
    assert "It costs you no attempt." in text_of(html)
    assert 'data-restarted role="status" hidden' not in html
    assert "0 of 4 checks done" in text_of(html)


def test_a_decided_attempt_leads_to_its_report(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with())
    response = client.get(reverse("grading:submission", args=[submission.pk]))
    assert response["Location"] == report_url(submission)


def test_an_open_attempt_has_no_report_yet(client: Client, submission: Submission) -> None:
    jobs.request_job(submission)
    response = client.get(report_url(submission))
    assert response["Location"] == reverse("grading:submission", args=[submission.pk])
    assert client.get(reverse("grading:report_json", args=[submission.pk])).status_code == 404


def test_our_fault_is_called_our_fault(
    client: Client, submission: Submission, settings: Any
) -> None:
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 1
    grade(submission, RuntimeError("secret host grader-7"))
    url = reverse("grading:submission", args=[submission.pk])
    html = html_of(client, url)
    text = text_of(html)
    assert "We could not grade attempt 1" in text
    assert "That is our fault, not yours." in text
    assert "No attempt is counted" in text
    assert "grader-7" not in html
    response = client.post(reverse("grading:run_again", args=[submission.pk]), follow=True)
    assert "is with the grader" in text_of(response.content.decode())
    assert submission.jobs.count() == 2


def test_a_canceled_attempt_says_so(client: Client, submission: Submission) -> None:
    jobs.cancel_job(jobs.request_job(submission).pk)
    text = text_of(html_of(client, reverse("grading:submission", args=[submission.pk])))
    assert "Attempt 1 was canceled" in text
    assert "does not count" in text


def test_there_is_nothing_to_run_again_once_decided(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with())
    url = reverse("grading:run_again", args=[submission.pk])
    assert client.get(url).status_code == 405
    response = client.post(url, follow=True)
    assert "There is nothing to run again." in text_of(response.content.decode())
    assert submission.jobs.count() == 1


# Reading ----------------------------------------------------------------------------------


def test_the_report_of_a_pass(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with())
    html = html_of(client, report_url(submission))
    text = text_of(html)
    assert "Passed, and every check with it." in text
    assert "100 points of 100" in text
    assert "4 passed" in text
    assert 'id="first"' not in html
    assert "flask 3.1.0" in text
    assert "seed" in text
    assert f"content {submission.content_hash[:12]}" in text


def test_the_report_of_a_failure_teaches(client: Client, submission: Submission) -> None:
    make_lesson()
    failed = {
        "message": "The answer is `null`.",
        "expected": '[{"id": 7}]',
        "actual": "null",
        "exchanges": [
            make_exchange(curl="curl http://localhost:8000/first"),
            make_exchange(response_body="null", status=500, elapsed_ms=212),
        ],
        "output": "Traceback: boom",
    }
    grade(submission, outcome_with(read_list=failed, read_item="not_reached"))
    html = html_of(client, report_url(submission))
    text = text_of(html)
    assert "Close. One blocking check stands in the way." in text
    assert "one more check can run, together worth up to 60 points" in text
    assert "First blocking failure" in text
    assert '<p class="said">The answer is <code class="tok">null</code>.</p>' in html
    assert "One request before it" in text
    assert "curl http://localhost:8000/first" in text
    assert "500 Internal Server Error in 212 ms" in text
    assert "<mark>" in html
    assert "Traceback: boom" in text
    assert "A client that gets null cannot go on." in text
    assert f"{reverse('catalog:lesson', args=['put-vs-patch'])}#patch" in html
    assert "PUT or PATCH: PATCH changes part" in text
    assert "1 check not reached: it needs “GET /articles lists” first" in text
    assert "Slowest request: GET /articles, 212 ms." in text


def test_hints_lie_inside_one_another(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with(read_list={}))
    html = html_of(client, report_url(submission))
    hints = html[html.index('<div class="hints">') :]
    assert hints.index("Look at the list.") < hints.index("Return it.")
    between = hints[: hints.index("Return it.")]
    assert between.count("<details") - between.count("</details") == 2
    assert "2 more hints" in hints
    inner = hints[: hints.index("Return a JSON list.")]
    assert inner.count("<details") - inner.count("</details") == 3


def test_a_lesson_that_is_not_written_yet_is_not_linked(
    client: Client, submission: Submission
) -> None:
    grade(submission, outcome_with(read_item={}))
    html = html_of(client, report_url(submission))
    assert "Read again" not in html
    assert "not-written" not in html


def test_hidden_checks_keep_their_inputs(client: Client, submission: Submission) -> None:
    secret = {
        "message": "Somebody else's article can be read.",
        "expected": "hidden-expected",
        "actual": "hidden-actual",
        "output": "hidden-output",
        "exchanges": [make_exchange(path="/hidden-path", curl="curl hidden-curl")],
    }
    grade(submission, outcome_with(read_secret=secret))
    for url in (report_url(submission), reverse("grading:report_json", args=[submission.pk])):
        body = client.get(url).content.decode()
        assert "Something hidden" in body
        assert "article can be read." in body
        assert "Others must not see it." in body
        assert "hidden-" not in body
    assert "This check is hidden" in html_of(client, report_url(submission))


def test_hostile_text_stays_text(client: Client, submission: Submission) -> None:
    failed = {
        "message": HOSTILE,
        "expected": HOSTILE,
        "actual": json.dumps({"html": HOSTILE}),
        "output": HOSTILE * 100,
        "exchanges": [
            make_exchange(
                curl=HOSTILE,
                path=HOSTILE,
                method="<GET>",
                response_headers={"Content-Type": HOSTILE, "Location": "javascript:alert(1)"},
                response_body=HOSTILE + "x" * 2_000_000,
            ),
            make_exchange(status=None, error=HOSTILE),
        ],
    }
    outcome = outcome_with(read_list=failed, read_item=failed)
    grade(submission, outcome)
    html = html_of(client, report_url(submission))
    read_page(html)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "{{ 7|add:7 }}" in html
    assert not {"\u202e", "\x1b", "\x00"} & set(html)
    assert len(html) < 300_000


def test_hostile_log_of_an_application_that_did_not_start(
    client: Client, submission: Submission
) -> None:
    log = "".join(f"line {number}\n" for number in range(200)) + HOSTILE
    grade(submission, make_outcome(status="app_not_ready", checks=[], app_log_tail=log))
    html = html_of(client, report_url(submission))
    text = text_of(html)
    assert "Your application did not start." in text
    assert "no attempt is lost" in text
    assert "The last lines your application wrote" in text
    assert "line 199" in text
    assert "line 140 " not in text
    assert "4 checks not reached: the application did not start" in text
    assert "<script>alert" not in html
    assert "By group" not in text


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("timed_out", "Time ran out after 60 seconds."),
        ("out_of_memory", "Your application needed more than"),
    ],
)
def test_runs_that_were_stopped(
    client: Client, submission: Submission, status: str, headline: str
) -> None:
    done = [make_check("start.health"), make_check("read.list", "timed_out")]
    grade(submission, make_outcome(status=status, checks=done))
    text = text_of(html_of(client, report_url(submission)))
    assert headline in text
    assert "2 of 4 checks" in text


def test_the_second_report_says_what_changed(
    client: Client, learner: User, assignment: Assignment, submission: Submission
) -> None:
    grade(submission, outcome_with(read_list={}, read_item="not_reached"))
    second = make_submission(learner=learner, assignment=assignment)
    grade(second, outcome_with(start_health={}))
    html = html_of(client, report_url(second))
    text = text_of(html)
    assert "Since attempt 1 +40" in text
    assert "40 then, 80 now." in text
    assert "Now passing 2" in text
    assert "Now failing 1" in text
    assert "One check fails that passed in attempt 1." in text
    assert "Hand in attempt 3" in text
    assert 'class="tag box fail">new<' in html


def test_the_report_as_json(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with(read_list={"message": "Got null."}))
    response = client.get(reverse("grading:report_json", args=[submission.pk]))
    assert response["Content-Type"] == "application/json"
    told = response.json()
    assert (told["verdict"], told["score"], told["max_score"]) == ("failed", 50, 100)
    assert told["checks"][1]["message"] == "Got null."
    assert told["packages"] == {"flask": "3.1.0"}


# Files ------------------------------------------------------------------------------------


def test_submitted_files_are_shown_as_text(
    client: Client, learner: User, assignment: Assignment
) -> None:
    files = {
        "app.py": f"{HOSTILE}\nprint(1)\n".replace("\0", "").encode(),
        "logo.png": b"\x89PNG\x00\x01",
        "latin.txt": "caf\xe9".encode("latin-1"),
        "long.txt": ("x" * 100 + "\n").encode() * 5_000,
        "a b&c.txt": b"odd name",
    }
    submission = make_submission(learner=learner, assignment=assignment, bundle=make_bundle(files))
    url = reverse("grading:files", args=[submission.pk])
    html = html_of(client, url)
    assert "print(1)" in text_of(html)
    assert "<script>alert" not in html
    assert not {"\u202e", "\x1b", "\x00"} & set(html)
    for name in files:
        assert name.replace("&", "&amp;") in html
    assert "This is not text" in text_of(html_of(client, f"{url}?path=logo.png"))
    assert "This is not text" in text_of(html_of(client, f"{url}?path=latin.txt"))
    assert "odd name" in text_of(html_of(client, f"{url}?path=a%20b%26c.txt"))
    long = text_of(html_of(client, f"{url}?path=long.txt"))
    assert "The beginning of it; 493.2 kB in all." in long
    assert client.get(f"{url}?path=../../etc/passwd").status_code == 404


def test_lost_files_are_our_fault(client: Client, submission: Submission) -> None:
    storages["submissions"].delete(archive_name(submission.content_hash))
    html = html_of(client, reverse("grading:files", args=[submission.pk]))
    assert "The files cannot be read at the moment. That is our fault." in text_of(html)


# Lists and doors --------------------------------------------------------------------------


def test_the_list_of_attempts_names_every_result(
    client: Client, learner: User, assignment: Assignment, settings: Any
) -> None:
    assert "Nothing handed in yet" in text_of(html_of(client, reverse("grading:submissions")))
    outcomes = [
        outcome_with(),
        outcome_with(read_list={}),
        make_outcome(status="app_not_ready", checks=[]),
        make_outcome(status="timed_out", checks=[]),
        make_outcome(status="out_of_memory", checks=[]),
    ]
    for outcome in outcomes:
        grade(make_submission(learner=learner, assignment=assignment), outcome)
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 1
    grade(make_submission(learner=learner, assignment=assignment), RuntimeError("disk"))
    jobs.cancel_job(jobs.request_job(make_submission(learner=learner, assignment=assignment)).pk)
    jobs.request_job(make_submission(learner=learner, assignment=assignment))
    text = text_of(html_of(client, reverse("grading:submissions")))
    for words in (
        "Passed",
        "Not passed yet",
        "Did not run",
        "Timed out",
        "Out of memory",
        "Not graded: our fault",
        "Canceled",
        "Waiting",
    ):
        assert words in text
    html = html_of(client, reverse("grading:submissions"))
    assert html.index(", attempt 8") < html.index(", attempt 1")


LIMIT = LimitHit("open_files", 1024, 1024, "files")


def test_a_limit_that_failed_checks_met_is_shown_as_a_note(
    client: Client, submission: Submission
) -> None:
    grade(submission, replace(outcome_with(read_list="failed"), limit=LIMIT))
    html = html_of(client, report_url(submission))
    [note] = re.findall(r'<section class="note warn" id="limit".*?</section>', html, re.DOTALL)
    assert "Your application ran into the limit on open files." in note
    assert "had 1,024 files and connections open, which is the limit here" in text_of(html)
    assert '<code class="tok">with</code> closes them' in note
    told = json.loads(html_of(client, reverse("grading:report_json", args=[submission.pk])))
    assert told["limit"] == {"kind": "open_files", "limit": 1024, "used": 1024, "unit": "files"}
    assert told["origin"] == "cold"


def test_a_limit_that_ended_the_run_leads_the_report_and_keeps_results(
    client: Client, submission: Submission
) -> None:
    limit = LimitHit("cpu", 30, 30.41, "s")
    checks = [make_check("start.health"), make_check("read.list")]
    grade(submission, make_outcome(status="timed_out", checks=checks, limit=limit, origin="warm"))
    html = html_of(client, report_url(submission))
    text = text_of(html)
    assert "Your application used up its 30 seconds of computing time." in text
    assert "It computed for 30.4 seconds; 30 seconds is the limit here" in text
    assert "2 of 4 checks had finished." in text
    assert 'id="limit"' not in html
    report = Report.objects.get()
    assert (report.verdict, report.score, report.origin) == ("timed_out", 70, "warm")


def test_without_a_limit_there_is_no_note(client: Client, submission: Submission) -> None:
    grade(submission, outcome_with(read_list="failed"))
    assert 'id="limit"' not in html_of(client, report_url(submission))


PAGES = ["submission", "report", "report_json", "files"]


@pytest.mark.parametrize("name", PAGES)
def test_nobody_else_sees_a_submission(client: Client, name: str) -> None:
    submission = make_submission()
    grade(submission, make_outcome())
    url = reverse(f"grading:{name}", args=[submission.pk])
    assert reverse("account_login") in client.get(url)["Location"]
    client.force_login(make_user())
    assert client.get(url).status_code == 404
    assert client.post(reverse("grading:run_again", args=[submission.pk])).status_code == 404


def test_staff_see_whose_report_it_is(client: Client, assignment: Assignment) -> None:
    submission = make_submission(learner=make_user(username="ada"), assignment=assignment)
    grade(submission, outcome_with())
    client.force_login(make_user(is_staff=True))
    text = text_of(html_of(client, report_url(submission)))
    assert "Attempt 1 of ada" in text
    assert "Hand in attempt" not in text


def test_a_report_takes_few_queries(
    client: Client,
    learner: User,
    assignment: Assignment,
    submission: Submission,
    django_assert_max_num_queries: Any,
) -> None:
    grade(submission, outcome_with(read_list={}))
    second = make_submission(learner=learner, assignment=assignment)
    grade(second, outcome_with())
    with django_assert_max_num_queries(14):
        html_of(client, report_url(second))
