"""What a learner has done with the content. Projects' progress is derived from reports."""

from django.conf import settings
from django.db import models

from backpath.core.models import IdentifiedModel


class LessonProgress(IdentifiedModel):
    """A learner has marked a lesson as read. Taking the mark back removes the row."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lesson_progress"
    )
    lesson = models.ForeignKey("catalog.Lesson", on_delete=models.PROTECT, related_name="progress")
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["-read_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "lesson"], name="lesson_read_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} read {self.lesson}"
