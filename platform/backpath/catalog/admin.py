"""The content in the administration: to look at, not to change. The files are the source."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from backpath.catalog.models import (
    Asset,
    Assignment,
    ContentVersion,
    LearningPath,
    Lesson,
    Module,
    QuizItem,
)


class ReadOnly:
    """Refuses every change, whoever asks."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the stubs only
    pass


def _register(model: type[Model], *columns: str, search: tuple[str, ...] = ()) -> None:
    options = {"list_display": columns, "search_fields": search}
    admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), options))


_register(ContentVersion, "content_hash", "created_at", "lesson_count", "assignment_count")
_register(LearningPath, "title", "slug", "position", "is_published")
_register(Module, "code", "title", "path", "is_published", search=("title", "slug"))
_register(Lesson, "title", "slug", "module", "is_published", search=("title", "slug"))
_register(QuizItem, "slug", "lesson", "from_lesson", search=("slug",))
_register(Assignment, "code", "title", "slug", "is_published", search=("title", "slug"))
_register(Asset, "content_hash", "media_type", "created_at")
