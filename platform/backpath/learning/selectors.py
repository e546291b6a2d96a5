"""What a learner has done, derived: lessons from their marks, projects from reports."""

from dataclasses import dataclass, field
from typing import Literal

from django.contrib.auth.models import AnonymousUser

from backpath.accounts.models import User
from backpath.catalog.models import Assignment, LearningPath, Lesson, Module
from backpath.grading import selectors as grading
from backpath.learning.models import LessonProgress

StepState = Literal["pass", "now", "wait"]


@dataclass(frozen=True)
class Progress:
    """Slugs of the lessons that were read and of the assignments that were passed."""

    read: frozenset[str] = field(default_factory=frozenset)
    passed: frozenset[str] = field(default_factory=frozenset)

    def is_done(self, item: Lesson | Assignment) -> bool:
        return item.slug in (self.read if isinstance(item, Lesson) else self.passed)


@dataclass(frozen=True)
class StepView:
    """A lesson or an assignment in an outline. `state`: done, next to do, or to come."""

    item: Lesson | Assignment
    state: StepState

    @property
    def is_lesson(self) -> bool:
        return isinstance(self.item, Lesson)


@dataclass(frozen=True)
class ModuleView:
    module: Module
    steps: list[StepView]

    @property
    def done(self) -> int:
        return sum(step.state == "pass" for step in self.steps)

    @property
    def minutes(self) -> int:
        return sum(step.item.minutes for step in self.steps if step.is_lesson)


@dataclass(frozen=True)
class PathView:
    """A path with the learner's place in it. `next_step` is None when all is done."""

    path: LearningPath
    modules: list[ModuleView]

    @property
    def total(self) -> int:
        return sum(len(module.steps) for module in self.modules)

    @property
    def done(self) -> int:
        return sum(module.done for module in self.modules)

    @property
    def lesson_count(self) -> int:
        return sum(step.is_lesson for module in self.modules for step in module.steps)

    @property
    def project_count(self) -> int:
        return self.total - self.lesson_count

    @property
    def next_step(self) -> StepView | None:
        steps = (step for module in self.modules for step in module.steps)
        return next((step for step in steps if step.state == "now"), None)


def progress_of(user: User | AnonymousUser) -> Progress:
    """The progress of `user`; nothing for a visitor. 2 queries, none for a visitor."""
    if not user.is_authenticated:
        return Progress()
    read = LessonProgress.objects.filter(user=user).values_list("lesson__slug", flat=True)
    return Progress(frozenset(read), frozenset(grading.passed_assignment_slugs(user)))


def module_view(module: Module, progress: Progress, *, here: str = "") -> ModuleView:
    """The steps of a module from `catalog.selectors`; `here` is the slug being looked at."""
    items: list[Lesson | Assignment] = [*module.lessons.all(), *module.assignments.all()]
    states = _states(items, progress, here=here)
    return ModuleView(module, [StepView(*pair) for pair in zip(items, states, strict=True)])


def path_view(path: LearningPath, progress: Progress) -> PathView:
    """A path from `catalog.selectors` with one next step over all its modules."""
    modules = []
    found_next = False
    for module in path.modules.all():
        view = module_view(module, progress)
        if found_next:
            view = ModuleView(module, [_to_come(step) for step in view.steps])
        found_next = found_next or any(step.state == "now" for step in view.steps)
        modules.append(view)
    return PathView(path, modules)


def _to_come(step: StepView) -> StepView:
    return StepView(step.item, "wait") if step.state == "now" else step


def _states(items: list[Lesson | Assignment], progress: Progress, *, here: str) -> list[StepState]:
    states: list[StepState] = ["pass" if progress.is_done(item) else "wait" for item in items]
    for index, item in enumerate(items):
        if item.slug == here if here else states[index] == "wait":
            states[index] = "now"
            break
    return states
