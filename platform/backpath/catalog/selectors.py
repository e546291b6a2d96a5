"""Reading the published content. Every function says how many queries it makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from django.db.models import Prefetch, QuerySet

from backpath.catalog.models import (
    Asset,
    Assignment,
    ContentVersion,
    LearningPath,
    Lesson,
    Module,
    QuizItem,
)

# What outlines of many lessons never show.
_LESSON_TEXTS = ("html", "source", "toc", "meta")
_ASSIGNMENT_TEXTS = ("spec", "spec_html", "spec_toc", "definition")


@dataclass(frozen=True)
class Step:
    """A stop on the way through all content, in reading order."""

    kind: Literal["lesson", "project"]
    slug: str
    title: str


@dataclass(frozen=True)
class Neighbours:
    previous: Step | None
    next: Step | None


@dataclass(frozen=True)
class QuizQuestion:
    """A quiz item and the lesson that teaches its answer; None while that is not written."""

    item: QuizItem
    teacher: Lesson | None

    @property
    def is_review(self) -> bool:
        """Whether it comes from an earlier lesson."""
        return bool(self.item.from_lesson)

    @property
    def teacher_title(self) -> str:
        return self.teacher.title if self.teacher else self.item.from_lesson

    @property
    def section_title(self) -> str:
        return _section_title(self.teacher, self.item.section) if self.teacher else ""


@dataclass(frozen=True)
class LessonPage:
    lesson: Lesson
    outline: Module
    neighbours: Neighbours
    questions: list[QuizQuestion]


@dataclass(frozen=True)
class SectionLink:
    """A section of a lesson: `slug#anchor` with the titles of both. `section` may be empty."""

    slug: str
    anchor: str
    title: str
    section: str


def current_version() -> ContentVersion | None:
    """The content that is being served; None before the first sync. One query."""
    return ContentVersion.objects.first()


def published_paths() -> QuerySet[LearningPath]:
    """All paths with `modules`, their `lessons` and `assignments`, without texts. 4 queries."""
    modules = _with_contents(Module.objects.filter(is_published=True).order_by("number"))
    return LearningPath.objects.filter(is_published=True).prefetch_related(
        Prefetch("modules", queryset=modules)
    )


def find_path(slug: str) -> LearningPath | None:
    """One path as in `published_paths`. At most 4 queries."""
    return published_paths().filter(slug=slug).first()


def find_module(path_slug: str, slug: str) -> Module | None:
    """One module with its `path`, `lessons` and `assignments`, without texts. 3 queries."""
    return _with_contents(
        Module.objects.filter(
            is_published=True, path__is_published=True, path__slug=path_slug, slug=slug
        ).select_related("path")
    ).first()


def _with_contents(modules: QuerySet[Module]) -> QuerySet[Module]:
    lessons = Lesson.objects.filter(is_published=True).defer(*_LESSON_TEXTS).order_by("number")
    assignments = (
        Assignment.objects.filter(is_published=True).defer(*_ASSIGNMENT_TEXTS).order_by("position")
    )
    return modules.prefetch_related(
        Prefetch("lessons", queryset=lessons), Prefetch("assignments", queryset=assignments)
    )


def find_lesson(slug: str) -> Lesson | None:
    """A published lesson with its module and path. One query."""
    return (
        Lesson.objects.filter(slug=slug, is_published=True).select_related("module__path").first()
    )


def lesson_page(slug: str) -> LessonPage | None:
    """Everything the page of a lesson shows but progress. At most 7 queries."""
    lesson = find_lesson(slug)
    if lesson is None:
        return None
    outline = _with_contents(
        Module.objects.filter(pk=lesson.module_id).select_related("path")
    ).get()
    return LessonPage(
        lesson=lesson,
        outline=outline,
        neighbours=neighbours("lesson", slug),
        questions=_questions(lesson),
    )


def _questions(lesson: Lesson) -> list[QuizQuestion]:
    items = list(lesson.quiz_items.order_by("position"))
    earlier = {
        other.slug: other
        for other in Lesson.objects.filter(
            slug__in={item.from_lesson for item in items if item.from_lesson}, is_published=True
        ).only("slug", "title", "toc")
    }
    return [
        QuizQuestion(item, earlier.get(item.from_lesson) if item.from_lesson else lesson)
        for item in items
    ]


def _section_title(lesson: Lesson, anchor: str) -> str:
    return next((str(entry["title"]) for entry in lesson.toc if entry["id"] == anchor), "")


def reading_steps() -> list[Step]:
    """All lessons in order, the projects of a module after its lessons. 2 queries."""
    lessons = (
        Lesson.objects.filter(is_published=True)
        .order_by("position")
        .values_list("module_id", "slug", "title")
    )
    projects: dict[object, list[Step]] = {}
    for module_id, slug, title in (
        Assignment.objects.filter(is_published=True, module__isnull=False)
        .order_by("position")
        .values_list("module_id", "slug", "title")
    ):
        projects.setdefault(module_id, []).append(Step("project", slug, title))
    steps: list[Step] = []
    current: object = None
    for module_id, slug, title in lessons:
        if module_id != current:
            steps.extend(projects.pop(current, []))
            current = module_id
        steps.append(Step("lesson", slug, title))
    return [*steps, *projects.pop(current, [])]


def neighbours(kind: str, slug: str) -> Neighbours:
    """What comes before and after a lesson or project in reading order. 2 queries."""
    steps = reading_steps()
    here = next((i for i, step in enumerate(steps) if (step.kind, step.slug) == (kind, slug)), None)
    if here is None:
        return Neighbours(None, None)
    return Neighbours(
        previous=steps[here - 1] if here else None,
        next=steps[here + 1] if here + 1 < len(steps) else None,
    )


def published_assignments() -> QuerySet[Assignment]:
    """All assignments in order with module and path, without texts. One query."""
    return (
        Assignment.objects.filter(is_published=True)
        .select_related("module__path")
        .defer(*_ASSIGNMENT_TEXTS)
    )


def find_assignment(slug: str) -> Assignment | None:
    """A published assignment with its module and path. One query."""
    return (
        Assignment.objects.filter(slug=slug, is_published=True)
        .select_related("module__path")
        .first()
    )


def section_links(references: Iterable[str]) -> Mapping[str, SectionLink]:
    """The sections that checks refer to (`slug#anchor`), by reference. One query.

    References to lessons that are not published are left out.
    """
    wanted = {reference: reference.partition("#")[::2] for reference in references}
    lessons = {
        lesson.slug: lesson
        for lesson in Lesson.objects.filter(
            slug__in={slug for slug, _ in wanted.values()}, is_published=True
        ).only("slug", "title", "toc")
    }
    return {
        reference: SectionLink(
            slug, anchor, lessons[slug].title, _section_title(lessons[slug], anchor)
        )
        for reference, (slug, anchor) in wanted.items()
        if slug in lessons
    }


def lesson_titles(slugs: Iterable[str]) -> list[tuple[str, str]]:
    """Slug and title of the published ones among `slugs`, in reading order. One query."""
    return list(
        Lesson.objects.filter(slug__in=list(slugs), is_published=True)
        .order_by("position")
        .values_list("slug", "title")
    )


def find_asset(content_hash: str) -> Asset | None:
    """A picture by its hash. One query."""
    return Asset.objects.filter(pk=content_hash).first()
