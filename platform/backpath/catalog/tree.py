"""All content as one immutable value: what the loader gives and everything else reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backpath.catalog.markdown_scan import MarkdownScan
from backpath.catalog.schema import (
    AssignmentFile,
    LessonMeta,
    ModuleFile,
    PathFile,
    QuizItem,
    WrongFile,
)


@dataclass(frozen=True)
class LessonContent:
    """`number` orders the lesson in its module; `body` is the Markdown below the front
    matter and begins on line `body_line` of the file.

    `images` maps a target as written in the text (`shot.png`), and `diagrams/<name>` for
    rendered diagrams, to the file's bytes. `quiz_lines` has the line of each quiz item.
    """

    slug: str
    number: int
    file: str
    directory: Path
    meta: LessonMeta
    body: str
    body_line: int
    scan: MarkdownScan
    quiz: tuple[QuizItem, ...] = ()
    quiz_file: str = ""
    quiz_lines: tuple[int, ...] = ()
    meta_lines: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class ModuleContent:
    slug: str
    number: int
    file: str
    meta: ModuleFile
    lessons: tuple[LessonContent, ...]
    project_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class PathContent:
    slug: str
    file: str
    meta: PathFile
    modules: tuple[ModuleContent, ...]
    planned_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class WrongSolution:
    """A solution under `wrong/`. `has_patch`: it is `change.patch` on reference `meta.base`."""

    name: str
    directory: Path
    meta: WrongFile
    has_patch: bool


@dataclass(frozen=True)
class AssignmentContent:
    slug: str
    file: str
    directory: Path
    meta: AssignmentFile
    spec: str
    spec_scan: MarkdownScan
    wrong: tuple[WrongSolution, ...] = ()
    images: Mapping[str, bytes] = field(default_factory=dict)
    check_lines: Mapping[str, int] = field(default_factory=dict)
    need_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class ContentTree:
    """Paths in order of position, and assignments by slug.

    A tree that came with errors holds what could be read; it is good for reporting, not
    for serving. `unread` has the slugs of lessons and assignments that are missing for that
    reason: whoever refers to them is not at fault.
    """

    paths: tuple[PathContent, ...] = ()
    assignments: tuple[AssignmentContent, ...] = ()
    unread: frozenset[str] = frozenset()

    def modules(self) -> Iterator[ModuleContent]:
        for path in self.paths:
            yield from path.modules

    def lessons(self) -> Iterator[LessonContent]:
        """All lessons in reading order."""
        for module in self.modules():
            yield from module.lessons

    @property
    def planned(self) -> set[str]:
        return {slug for path in self.paths for slug in path.meta.planned}

    def assignment(self, slug: str) -> AssignmentContent | None:
        return next((found for found in self.assignments if found.slug == slug), None)
