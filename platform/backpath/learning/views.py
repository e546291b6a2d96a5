"""The pages of paths, modules, lessons and projects, with the reader's place in them.

Visitors without a session get pages that depend on the content alone, so their browsers may
keep them and ask whether they changed.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import condition, require_POST, require_safe

from backpath.catalog import selectors as catalog
from backpath.catalog.schema import WORDS_PER_MINUTE
from backpath.grading.selectors import earlier_attempts
from backpath.learning import services
from backpath.learning.selectors import StepView, module_view, path_view, progress_of

View = Callable[..., HttpResponse]

# Templates change with a release only, and a release restarts the process.
_STARTED: Final = int(time.time())


def _page_etag(request: HttpRequest, **_kwargs: Any) -> str | None:
    """What the page of a reader without a session depends on; None for everybody else."""
    if request.COOKIES.keys() & {settings.SESSION_COOKIE_NAME, "messages"}:
        return None
    version = catalog.current_version()
    return f'W/"{version.content_hash[:32]}-{_STARTED:x}"' if version else None


def _content_page(view: View) -> View:
    """A page to read: GET and HEAD, 304 while the content is what the visitor has."""
    conditional = require_safe(condition(etag_func=_page_etag)(view))

    @wraps(view)
    def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = conditional(request, **kwargs)
        patch_vary_headers(response, ["Cookie"])
        patch_cache_control(response, private=True, no_cache=True)
        return response

    return page


@_content_page
def home(request: HttpRequest) -> HttpResponse:
    """What this is, and all paths."""
    progress = progress_of(request.user)
    paths = [path_view(path, progress) for path in catalog.published_paths()]
    return render(request, "learning/home.html", {"paths": paths})


@_content_page
def path_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A path: modules, lessons and projects in order, with what is done and what is next."""
    path = catalog.find_path(slug)
    if path is None:
        raise Http404
    view = path_view(path, progress_of(request.user))
    return render(request, "learning/path.html", {"view": view, "path": path})


@_content_page
def module_page(request: HttpRequest, path_slug: str, slug: str) -> HttpResponse:
    """A module: what each lesson is for, and the projects it leads to."""
    module = catalog.find_module(path_slug, slug)
    if module is None:
        raise Http404
    view = module_view(module, progress_of(request.user))
    return render(request, "learning/module.html", {"view": view, "module": module})


@_content_page
def lesson_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A lesson with its module at the left, its sections at the right."""
    page = catalog.lesson_page(slug)
    if page is None:
        raise Http404
    lesson = page.lesson
    progress = progress_of(request.user)
    return render(
        request,
        "learning/lesson.html",
        {
            "lesson": lesson,
            "outline": module_view(page.outline, progress, here=slug),
            "neighbours": page.neighbours,
            "questions": page.questions,
            "sections": [entry for entry in lesson.toc if entry["level"] == 2],
            "reading_minutes": max(1, -(-lesson.word_count // WORDS_PER_MINUTE)),
            "is_read": slug in progress.read,
        },
    )


@_content_page
def projects_page(request: HttpRequest) -> HttpResponse:
    """Everything that is graded, in order."""
    progress = progress_of(request.user)
    steps = [
        StepView(assignment, "pass" if progress.is_done(assignment) else "wait")
        for assignment in catalog.published_assignments()
    ]
    return render(request, "learning/projects.html", {"steps": steps})


@_content_page
def project_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A project: what it asks for, how it is checked, and the reader's attempts."""
    assignment = catalog.find_assignment(slug)
    if assignment is None:
        raise Http404
    links = catalog.section_links(check["lesson"] for check in assignment.checks)
    groups = [
        {
            "group": group,
            "points": sum(check["points"] for check in checks),
            "checks": [{"check": check, "lesson": links.get(check["lesson"])} for check in checks],
        }
        for group in assignment.groups
        if (checks := [c for c in assignment.checks if c["id"].startswith(f"{group['id']}.")])
    ]
    attempts = earlier_attempts(request.user, assignment) if request.user.is_authenticated else []
    return render(
        request,
        "learning/project.html",
        {
            "assignment": assignment,
            "groups": groups,
            "check_count": len(assignment.checks),
            "sections": [entry for entry in assignment.spec_toc if entry["level"] == 2],
            "attempts": attempts,
            "needs": catalog.lesson_titles(assignment.definition["needs"]),
            "neighbours": catalog.neighbours("project", slug),
        },
    )


@require_POST
def mark_read(request: HttpRequest, slug: str) -> HttpResponse:
    """Mark a lesson as read, or with `unmark` take the mark back; then show it again."""
    lesson = catalog.find_lesson(slug)
    if lesson is None:
        raise Http404
    address = reverse("catalog:lesson", args=[slug])
    if not request.user.is_authenticated:
        return redirect_to_login(address)
    if "unmark" in request.POST:
        services.unmark_read(request.user, lesson=lesson)
    else:
        services.mark_read(request.user, lesson=lesson)
    return HttpResponseRedirect(f"{address}#done")
