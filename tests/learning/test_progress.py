"""Marks of lessons, passed projects, and the place in a path that follows from them."""

from collections.abc import Iterable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from backpath.catalog import selectors as catalog
from backpath.catalog.blobs import content_store
from backpath.catalog.models import Assignment, Lesson
from backpath.learning.models import LessonProgress
from backpath.learning.selectors import PathView, Progress, StepView, path_view, progress_of
from backpath.learning.services import mark_read, unmark_read
from tests.catalog.factories import ContentFolder
from tests.grading.factories import make_user
from tests.learning.factories import make_reported_submission

pytestmark = pytest.mark.django_db


def lesson(slug: str) -> Lesson:
    return Lesson.objects.get(slug=slug)


def states(steps: Iterable[StepView]) -> list[tuple[str, str]]:
    return [(step.item.slug, step.state) for step in steps]


def view_of(progress: Progress) -> PathView:
    path = catalog.find_path("data")
    assert path is not None
    return path_view(path, progress)


def test_marking_twice_keeps_the_first_time(served: ContentFolder) -> None:
    user = make_user()
    first = mark_read(user, lesson=lesson("first"))
    second = mark_read(user, lesson=lesson("first"))
    assert (second.pk, second.read_at) == (first.pk, first.read_at)
    assert LessonProgress.objects.count() == 1


def test_marks_are_taken_back_and_belong_to_one_learner(served: ContentFolder) -> None:
    user, other = make_user(), make_user()
    mark_read(user, lesson=lesson("first"))
    mark_read(other, lesson=lesson("first"))
    unmark_read(user, lesson=lesson("first"))
    unmark_read(user, lesson=lesson("second"))
    assert progress_of(user).read == frozenset()
    assert progress_of(other).read == {"first"}


def test_a_lesson_is_marked_once_even_by_two_requests_at_once(served: ContentFolder) -> None:
    user = make_user()
    mark_read(user, lesson=lesson("first"))
    with pytest.raises(IntegrityError), transaction.atomic():
        LessonProgress.objects.create(user=user, lesson=lesson("first"), read_at=timezone.now())


def test_a_lesson_that_was_read_cannot_be_deleted(served: ContentFolder) -> None:
    mark_read(make_user(), lesson=lesson("first"))
    with pytest.raises(ProtectedError):
        lesson("first").delete()


def test_progress_comes_from_marks_and_reports(
    served: ContentFolder, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = make_user()
    assignment = Assignment.objects.get()
    mark_read(user, lesson=lesson("second"))
    make_reported_submission(user, assignment, verdict="failed", score=40)
    assert progress_of(user) == Progress(frozenset({"second"}), frozenset())
    make_reported_submission(make_user(), assignment)
    assert progress_of(user).passed == frozenset()
    make_reported_submission(user, assignment)
    with django_assert_num_queries(2):
        assert progress_of(user).passed == {"small-api"}
    with django_assert_num_queries(0):
        assert progress_of(AnonymousUser()) == Progress()


def test_the_next_step_is_the_first_that_is_not_done(served: ContentFolder) -> None:
    view = view_of(Progress(read=frozenset({"first"})))
    assert states(view.modules[0].steps) == [
        ("first", "pass"),
        ("second", "now"),
        ("small-api", "wait"),
    ]
    assert (view.done, view.total, view.lesson_count, view.project_count) == (1, 3, 2, 1)
    assert view.next_step is not None
    assert view.next_step.item.slug == "second"


def test_a_path_has_one_next_step_over_all_modules(served: ContentFolder) -> None:
    served.add_module("data", "05-more", code="M5", title="More")
    served.add_lesson("010-third", module="data/05-more", title="Third steps")
    served.sync(content_store())
    view = view_of(Progress(passed=frozenset({"small-api"})))
    assert [states(module.steps) for module in view.modules] == [
        [("first", "now"), ("second", "wait"), ("small-api", "pass")],
        [("third", "wait")],
    ]


def test_nothing_is_next_when_all_is_done(served: ContentFolder) -> None:
    done = Progress(frozenset({"first", "second"}), frozenset({"small-api"}))
    view = view_of(done)
    assert view.next_step is None
    assert view.done == view.total == 3
