"""Content as files: Markdown sources, starters, pictures. Pages are `learning.views`."""

import mimetypes
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

from backpath.catalog import selectors
from backpath.catalog.blobs import content_store

_FOREVER = "public, max-age=31536000, immutable"
# A picture opened by itself must not act, whatever it holds.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def _lesson_etag(_request: HttpRequest, slug: str) -> str | None:
    lesson = selectors.find_lesson(slug)
    return f'"{lesson.content_hash}"' if lesson else None


def _lesson_changed(_request: HttpRequest, slug: str) -> datetime | None:
    lesson = selectors.find_lesson(slug)
    return lesson.changed_at if lesson else None


@require_safe
@condition(etag_func=_lesson_etag, last_modified_func=_lesson_changed)
def lesson_source(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The Markdown of a lesson, as plain text."""
    lesson = selectors.find_lesson(slug)
    if lesson is None:
        raise Http404
    text = f"# {lesson.title}\n\n{lesson.source.strip()}\n"
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


def _starter_etag(_request: HttpRequest, slug: str) -> str | None:
    assignment = selectors.find_assignment(slug)
    return f'"{assignment.starter_hash}"' if assignment else None


@require_safe
@condition(etag_func=_starter_etag)
def starter(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The starter archive of an assignment, as it was when the content was synced."""
    assignment = selectors.find_assignment(slug)
    if assignment is None:
        raise Http404
    data = content_store().read(assignment.starter_hash)
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{assignment.slug}-starter.zip"'
    return response


@require_safe
@condition(etag_func=lambda _request, content_hash, **_kwargs: f'"{content_hash}"')
def asset(request: HttpRequest, content_hash: str, extension: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """A picture of a lesson or specification, named by its content."""
    found = selectors.find_asset(content_hash)
    if found is None or mimetypes.guess_type(f"a.{extension}")[0] != found.media_type:
        raise Http404
    response = HttpResponse(content_store().read(content_hash), content_type=found.media_type)
    response["Cache-Control"] = _FOREVER
    response["Content-Security-Policy"] = _PICTURE_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response
