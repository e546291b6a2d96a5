"""Writing what a learner has done."""

from django.utils import timezone

from backpath.accounts.models import User
from backpath.catalog.models import Lesson
from backpath.learning.models import LessonProgress


def mark_read(user: User, *, lesson: Lesson) -> LessonProgress:
    """Note that `user` has read `lesson`. A second mark keeps the first one's time."""
    progress, _ = LessonProgress.objects.get_or_create(
        user=user, lesson=lesson, defaults={"read_at": timezone.now()}
    )
    return progress


def unmark_read(user: User, *, lesson: Lesson) -> None:
    """Take the mark back; without a mark nothing happens."""
    LessonProgress.objects.filter(user=user, lesson=lesson).delete()
