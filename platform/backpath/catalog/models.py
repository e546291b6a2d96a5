"""The content as the site serves it. Only `catalog.sync` writes these rows.

Slugs are permanent: progress, submissions and links refer to them. Content that disappears
from the files is retired (`is_published` false), never deleted.
"""

from typing import Any

from django.db import models

from backpath.core.models import IdentifiedModel


class ContentVersion(IdentifiedModel):
    """One accepted sync. The newest row is what is being served."""

    content_hash = models.CharField(max_length=64)
    lesson_count = models.PositiveIntegerField()
    assignment_count = models.PositiveIntegerField()
    warning_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.content_hash[:12]} of {self.created_at:%Y-%m-%d %H:%M}"


class SyncedModel(IdentifiedModel):
    """A row made from content files; `changed_at` is when its content last changed."""

    is_published = models.BooleanField(default=True)
    content_hash = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True


class LearningPath(SyncedModel):
    """What is read, in order: modules of lessons towards one aim."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=300)
    summary = models.TextField()
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.title


class Module(SyncedModel):
    """A part of a path; `code` is its number over all paths (M4)."""

    path = models.ForeignKey(LearningPath, on_delete=models.PROTECT, related_name="modules")
    slug = models.SlugField(max_length=60)
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=8)
    title = models.CharField(max_length=300)
    summary = models.TextField()

    class Meta:
        ordering = ["path__position", "number"]
        constraints = [
            models.UniqueConstraint(fields=["path", "slug"], name="module_slug_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Lesson(SyncedModel):
    """A text to read. `position` orders all lessons; `number` is its place in the module.

    `meta`: `needs`, `concepts`, `checked_against`, `sources`, `further` as in the front
    matter. `toc`: `[{"id", "title", "level"}]`. `render_key` names what `html` was made from.
    """

    module = models.ForeignKey(Module, on_delete=models.PROTECT, related_name="lessons")
    slug = models.SlugField(max_length=60, unique=True)
    number = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    outcome = models.CharField(max_length=300)
    minutes = models.PositiveSmallIntegerField()
    word_count = models.PositiveIntegerField()
    meta = models.JSONField(default=dict)
    source = models.TextField()
    html = models.TextField()
    toc = models.JSONField(default=list)
    render_key = models.CharField(max_length=64)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.title


class QuizItem(IdentifiedModel):
    """One item of a lesson's knowledge check.

    `options`: `[{"text", "why", "right"}]` with `text` and `why` as HTML. `section` is a
    heading id of the lesson, or of `from_lesson` (a slug) when the item reviews an earlier
    one; both may be empty for a lesson that is not written yet.
    """

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="quiz_items")
    slug = models.SlugField(max_length=60)
    position = models.PositiveSmallIntegerField()
    is_many = models.BooleanField(default=False)
    question = models.TextField()
    section = models.CharField(max_length=80, blank=True)
    from_lesson = models.CharField(max_length=60, blank=True)
    options = models.JSONField(default=list)

    class Meta:
        ordering = ["lesson", "position"]
        constraints = [
            models.UniqueConstraint(fields=["lesson", "slug"], name="quiz_item_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.slug


class Assignment(SyncedModel):
    """Anything graded.

    `definition` is the parsed `assignment.yaml` (`groups`, `checks`, `limits`,
    `pass_score`, …). `grader_hash` and `starter_hash` name archives in the content store:
    grading uses the grader that was synced, whatever the files say by now.
    """

    class Kind(models.TextChoices):
        PROJECT = "project", "Project"
        EXERCISE = "exercise", "Exercise"

    module = models.ForeignKey(
        Module, on_delete=models.SET_NULL, null=True, blank=True, related_name="assignments"
    )
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    code = models.CharField(max_length=8)
    title = models.CharField(max_length=300)
    summary = models.CharField(max_length=300)
    position = models.PositiveIntegerField()
    pass_score = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()
    definition = models.JSONField(default=dict)
    spec = models.TextField()
    spec_html = models.TextField()
    spec_toc = models.JSONField(default=list)
    render_key = models.CharField(max_length=64)
    grader_hash = models.CharField(max_length=64)
    starter_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.title

    @property
    def groups(self) -> list[dict[str, Any]]:
        return list(self.definition["groups"])

    @property
    def checks(self) -> list[dict[str, Any]]:
        return list(self.definition["checks"])


class Asset(models.Model):
    """A picture that pages show, by the hash of its content. Only these are ever served from
    the content store: graders lie in the same store.
    """

    content_hash = models.CharField(max_length=64, primary_key=True)
    media_type = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.content_hash[:12]} ({self.media_type})"
