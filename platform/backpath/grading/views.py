"""Pages of handing in, watching and reading reports."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.catalog.selectors import find_assignment, section_links
from backpath.execution.bundle import Bundle, BundleLimits, BundleRefused
from backpath.execution.bundle_rules import IGNORED_FOLDERS
from backpath.grading import selectors
from backpath.grading.difference import plain_text
from backpath.grading.graders import definition_of
from backpath.grading.jobs import NothingToRetry
from backpath.grading.live_view import live_page
from backpath.grading.models import Report, Submission
from backpath.grading.presentation import ReportPage, report_json, report_page
from backpath.grading.storage import StoredFilesLost
from backpath.grading.submissions import TooManyQueued, run_again, submit_bundle
from backpath.grading.submitted_files import default_path, read_submitted_file
from backpath.grading.uploads import (
    NothingChosen,
    Upload,
    UploadBroken,
    UploadRefused,
    make_bundle,
    read_request,
)

LIMITS: Final = BundleLimits()
NAMED_NOTICES: Final = 3


@dataclass(frozen=True)
class Refusal:
    """Why an upload was not accepted: the file where there is one, and the rule."""

    headline: str
    path: str
    rule: str


@csrf_exempt
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """The page to hand in, with all earlier attempts.

    Exempt from the general CSRF check, which would read the body before its limits and its
    folder paths are taken care of; `_hand_in` checks the token itself.
    """
    assignment = find_assignment(slug)
    if assignment is None:
        raise Http404("There is no such project.")
    if request.method != "POST":
        return _submit_page(request, assignment)
    try:
        read = read_request(request, LIMITS)
    except UploadRefused as error:
        refusal = Refusal("The upload could not be read", "", error.message)
        is_broken = isinstance(error, UploadBroken)
        status = HTTPStatus.BAD_REQUEST if is_broken else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return _submit_page(request, assignment, refusal=refusal, status=status)
    return _hand_in(request, assignment, read)


@csrf_protect
def _hand_in(
    request: HttpRequest, assignment: Assignment, read: Callable[[], Upload]
) -> HttpResponse:
    try:
        upload = read()
        bundle = make_bundle(upload, LIMITS)
        result = submit_bundle(
            learner=_user(request), assignment=assignment, bundle=bundle, source=upload.source
        )
    except NothingChosen as error:
        refusal = Refusal("There is nothing to hand in yet", "", error.message)
        return _submit_page(request, assignment, refusal=refusal, status=HTTPStatus.BAD_REQUEST)
    except BundleRefused as error:
        refusal = Refusal("This cannot be taken as it is", plain_text(error.path), error.rule)
        return _submit_page(
            request, assignment, refusal=refusal, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    except TooManyQueued as error:
        refusal = Refusal("Too many are waiting already", "", error.message)
        return _submit_page(
            request, assignment, refusal=refusal, status=HTTPStatus.TOO_MANY_REQUESTS
        )
    if not result.is_new and not result.is_rerun:
        messages.info(request, _same_files(result.submission))
        return redirect("grading:submit", slug=assignment.slug)
    if result.is_rerun:
        messages.info(
            request,
            f"These are the files of attempt {result.submission.number}, which failed by our "
            "fault. It is graded once more.",
        )
    for notice in _notices(bundle):
        messages.info(request, notice)
    return redirect("grading:submission", submission_id=result.submission.pk)


def _submit_page(
    request: HttpRequest,
    assignment: Assignment,
    *,
    refusal: Refusal | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    attempts = selectors.earlier_attempts(_user(request), assignment)
    context = {
        "assignment": assignment,
        "attempts": attempts,
        "next_number": attempts[0].submission.number + 1 if attempts else 1,
        "refusal": refusal,
        "grader": selectors.grader_status(_queue_of(assignment)),
        "limits": LIMITS,
        "ignored": json.dumps(sorted(IGNORED_FOLDERS)),
    }
    return render(request, "grading/submit.html", context, status=status)


@never_cache
@require_GET
@login_required
def submissions(request: HttpRequest) -> HttpResponse:
    """Everything the learner handed in."""
    attempts = selectors.learner_submissions(_user(request))
    return render(request, "grading/submissions.html", {"attempts": attempts})


@never_cache
@require_GET
@login_required
def submission(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Live while open; the report once decided; otherwise why there is none."""
    found = _visible(request, submission_id)
    state = selectors.submission_state(found)
    context: dict[str, Any] = {"submission": found, "assignment": found.assignment}
    if state.status == selectors.SubmissionStatus.DECIDED:
        return redirect("grading:report", submission_id=found.pk)
    if not state.is_open:
        context |= {"status": state.status, "tries": state.attempt}
        return render(request, "grading/fault.html", context)
    live = live_page(
        definition_of(found.assignment),
        selectors.events_after(found.pk, 0),
        phase=state.phase,
        position=selectors.queue_position(state.job),
    )
    context |= {"live": live, "grader": selectors.grader_status(state.job.queue)}
    return render(request, "grading/live.html", context)


@require_POST
@login_required
def try_again(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Grade a submission once more that failed by our fault."""
    found = _visible(request, submission_id)
    try:
        run_again(found)
    except NothingToRetry:
        # Somebody was faster, or it is decided: its page says which.
        messages.info(request, "There is nothing to run again.")
    return redirect("grading:submission", submission_id=found.pk)


@never_cache
@require_GET
@login_required
def report(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """The report of a submission."""
    found = _visible(request, submission_id)
    decided = selectors.report_of(found)
    if decided is None:
        return redirect("grading:submission", submission_id=found.pk)
    learner = found.learner
    attempts = selectors.earlier_attempts(learner, found.assignment)
    context = {
        "submission": found,
        "assignment": found.assignment,
        "report": decided,
        "page": _page_of(decided),
        "next_number": attempts[0].submission.number + 1,
        "is_own": learner == request.user,
    }
    return render(request, "grading/report.html", context)


@never_cache
@require_GET
@login_required
def report_as_json(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """The report for programs: everything the page shows, and nothing more."""
    decided = selectors.report_of(_visible(request, submission_id))
    if decided is None:
        raise Http404("There is no report yet.")
    answer = JsonResponse(report_json(decided, _page_of(decided)), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = "inline"
    return answer


@never_cache
@require_GET
@login_required
def files(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """The files that were handed in, one of them shown."""
    found = _visible(request, submission_id)
    path = request.GET.get("path") or default_path(found)
    shown = None
    try:
        shown = read_submitted_file(found, path) if path else None
    except FileNotFoundError as error:
        raise Http404("There is no such file in this submission.") from error
    except StoredFilesLost:
        messages.error(request, "The files cannot be read at the moment. That is our fault.")
    context = {"submission": found, "assignment": found.assignment, "shown": shown}
    return render(request, "grading/files.html", context)


def _page_of(decided: Report) -> ReportPage:
    comparison = selectors.compare_with_previous(decided)
    previous = comparison.previous if comparison else None
    return report_page(
        decided,
        list(decided.results.all()),
        previous=previous,
        previous_results=list(previous.results.all()) if previous else (),
        previous_number=previous.job.submission_number if previous else None,
        is_same_grader=comparison.is_same_grader if comparison else True,
        lessons=section_links(
            str(check["lesson"]) for check in decided.definition["checks"] if check.get("lesson")
        ),
    )


def _same_files(earlier: Submission) -> str:
    return format_html(
        "These are exactly the files of attempt {}, so no new attempt was made. "
        '<a href="{}">See attempt {}</a>',
        earlier.number,
        reverse("grading:submission", args=[earlier.pk]),
        earlier.number,
    )


def _notices(bundle: Bundle) -> list[str]:
    """What was changed about an accepted upload, in a sentence or two."""
    left_out = [notice for notice in bundle.notices if notice.code == "left_out"]
    sentences = []
    if left_out:
        named = ", ".join(notice.path for notice in left_out[:NAMED_NOTICES])
        more = " and more" if len(left_out) > NAMED_NOTICES else ""
        sentences.append(f"Left out, since tools make them: {named}{more}.")
    sentences += [
        f"The folder {notice.path} around everything was taken off."
        for notice in bundle.notices
        if notice.code == "unwrapped"
    ]
    return sentences


def _queue_of(assignment: Assignment) -> str:
    return "exercises" if assignment.kind == Assignment.Kind.EXERCISE else "projects"


def _visible(request: HttpRequest, submission_id: UUID) -> Submission:
    return get_object_or_404(selectors.visible_submissions(request.user), pk=submission_id)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # every page here requires signing in
