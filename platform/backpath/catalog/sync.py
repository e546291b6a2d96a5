"""ContentTree -> rows, in one transaction, or not at all.

While there is one error anywhere nothing is written, and the site goes on serving what was
accepted last. Rows whose files are gone are retired, not deleted: progress and submissions
refer to them, and a slug that comes back finds its row again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from backpath.catalog.blobs import BlobStore
from backpath.catalog.images import image_size
from backpath.catalog.lesson_files import IMAGE_TYPES
from backpath.catalog.models import (
    Asset,
    Assignment,
    ContentVersion,
    LearningPath,
    Lesson,
    Module,
    QuizItem,
    SyncedModel,
)
from backpath.catalog.packages import grader_tar, starter_zip
from backpath.catalog.rendering import RENDERER_VERSION, ImageAddresses, Renderer, render_key
from backpath.catalog.schema import Problem
from backpath.catalog.tree import (
    AssignmentContent,
    ContentTree,
    LessonContent,
    ModuleContent,
    PathContent,
)
from backpath.core.errors import AuthorError

_LESSON_META: Final = ("needs", "concepts", "checked_against", "sources", "further")


class ContentRefused(AuthorError):
    """The content has errors; nothing was changed. `problems` holds all of them."""

    code = "content-refused"

    def __init__(self, problems: list[Problem]) -> None:
        errors = sum(problem.severity == "error" for problem in problems)
        super().__init__(f"The content has {errors} {'error' if errors == 1 else 'errors'}.")
        self.problems = problems


@dataclass
class SyncResult:
    """What a sync did. `is_changed` is false when the content was being served already."""

    version: ContentVersion
    is_changed: bool
    rendered: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)


def sync_content(
    tree: ContentTree, problems: list[Problem], *, store: BlobStore, now: datetime | None = None
) -> SyncResult:
    """Make the rows say what `tree` says.

    Raises ContentRefused while `problems` holds an error, and PackageRefused when an
    assignment's files cannot be packed; nothing is changed then.
    """
    if any(problem.severity == "error" for problem in problems):
        raise ContentRefused(problems)
    packed = [_pack(assignment, store) for assignment in tree.assignments]
    with transaction.atomic():
        return _Sync(store, now or timezone.now()).run(tree, packed, warnings=len(problems))


@dataclass(frozen=True)
class _Packed:
    content: AssignmentContent
    grader_hash: str
    starter_hash: str


def _pack(assignment: AssignmentContent, store: BlobStore) -> _Packed:
    return _Packed(
        assignment,
        store.put(grader_tar(assignment.directory)),
        store.put(starter_zip(assignment.directory)),
    )


def _hash(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class _Sync:
    """One run; lives inside the transaction."""

    def __init__(self, store: BlobStore, now: datetime) -> None:
        self.store = store
        self.now = now
        self.hashes: list[str] = []
        self.rendered: list[str] = []

    def run(self, tree: ContentTree, packed: list[_Packed], *, warnings: int) -> SyncResult:
        paths: list[LearningPath] = []
        modules: list[Module] = []
        lessons: list[Lesson] = []
        places: dict[str, tuple[Module, int]] = {}
        for path in tree.paths:
            path_row = self.path(path)
            paths.append(path_row)
            for module in path.modules:
                module_row = self.module(module, path_row)
                modules.append(module_row)
                for slug in module.meta.projects:
                    places[slug] = (module_row, len(places) + 1)
                for lesson in module.lessons:
                    lessons.append(self.lesson(lesson, module_row, len(lessons) + 1))
        unplaced = (None, len(places) + 1)
        assignments = [
            self.assignment(item, *places.get(item.content.slug, unplaced)) for item in packed
        ]
        retired = [
            *self.retire(LearningPath, paths),
            *self.retire(Module, modules),
            *self.retire(Lesson, lessons),
            *self.retire(Assignment, assignments),
        ]
        content_hash = _hash(self.hashes)
        latest = ContentVersion.objects.first()
        if latest is not None and latest.content_hash == content_hash:
            return SyncResult(latest, is_changed=False, rendered=self.rendered)
        version = ContentVersion.objects.create(
            content_hash=content_hash,
            lesson_count=len(lessons),
            assignment_count=len(assignments),
            warning_count=warnings,
        )
        return SyncResult(version, is_changed=True, rendered=self.rendered, retired=retired)

    def path(self, content: PathContent) -> LearningPath:
        row = LearningPath.objects.filter(slug=content.slug).first()
        values = {
            "title": content.meta.title,
            "summary": content.meta.summary,
            "position": content.meta.position,
        }
        row = row or LearningPath(slug=content.slug)
        self.save(row, values, identity=[content.slug])
        return row

    def module(self, content: ModuleContent, path: LearningPath) -> Module:
        row = Module.objects.filter(path=path, slug=content.slug).first()
        values = {
            "number": content.number,
            "code": content.meta.code,
            "title": content.meta.title,
            "summary": content.meta.summary,
        }
        row = row or Module(path=path, slug=content.slug)
        self.save(row, values, identity=[path.slug, content.slug])
        return row

    def lesson(self, content: LessonContent, module: Module, position: int) -> Lesson:
        row = Lesson.objects.filter(slug=content.slug).first() or Lesson(slug=content.slug)
        images = self.assets(content.images)
        meta = content.meta.model_dump(mode="json")
        values = {
            "number": content.number,
            "position": position,
            "title": content.meta.title,
            "outcome": content.meta.outcome,
            "minutes": content.meta.minutes,
            "word_count": content.scan.word_count,
            "meta": {key: meta[key] for key in _LESSON_META},
            "source": content.body,
            "render_key": render_key(content.body, images),
        }
        renderer = Renderer(images)
        if row.render_key != values["render_key"]:
            rendered = renderer.render(content.body)
            row.html = rendered.html
            row.toc = [entry.as_dict() for entry in rendered.toc]
            self.rendered.append(content.file)
        row.module = module
        quiz = [item.model_dump(mode="json") for item in content.quiz]
        quiz_key = [RENDERER_VERSION, quiz]
        identity = [module.path.slug, module.slug, content.slug, quiz_key]
        if self.save(row, values, identity=identity):
            self.quiz(content, row, renderer)
        return row

    def quiz(self, content: LessonContent, lesson: Lesson, renderer: Renderer) -> None:
        lesson.quiz_items.exclude(slug__in=[item.id for item in content.quiz]).delete()
        for position, item in enumerate(content.quiz, 1):
            QuizItem.objects.update_or_create(
                lesson=lesson,
                slug=item.id,
                defaults={
                    "position": position,
                    "is_many": item.many,
                    "question": renderer.render(item.question).html,
                    "section": item.section or "",
                    "from_lesson": item.from_lesson or "",
                    "options": [
                        {
                            "text": renderer.render_inline(option.text),
                            "why": renderer.render_inline(option.why),
                            "right": option.right,
                        }
                        for option in item.options
                    ],
                },
            )

    def assignment(self, packed: _Packed, module: Module | None, position: int) -> Assignment:
        content = packed.content
        row = Assignment.objects.filter(slug=content.slug).first()
        row = row or Assignment(slug=content.slug)
        images = self.assets(content.images)
        meta = content.meta
        values = {
            "kind": meta.kind,
            "code": meta.code,
            "title": meta.title,
            "summary": meta.summary,
            "position": position,
            "pass_score": meta.pass_score,
            "minutes": meta.minutes,
            "definition": meta.model_dump(mode="json"),
            "spec": content.spec,
            "render_key": render_key(content.spec, images),
            "grader_hash": packed.grader_hash,
            "starter_hash": packed.starter_hash,
        }
        if row.render_key != values["render_key"]:
            rendered = Renderer(images).render(content.spec)
            row.spec_html = rendered.html
            row.spec_toc = [entry.as_dict() for entry in rendered.toc]
            self.rendered.append(f"{content.file.rpartition('/')[0]}/spec.md")
        row.module = module
        place = [module.path.slug, module.slug] if module else []
        self.save(row, values, identity=[content.slug, place])
        return row

    def assets(self, images: Mapping[str, bytes]) -> ImageAddresses:
        """Store pictures; their addresses by the target that the text names."""
        addresses = {}
        for target, data in images.items():
            suffix = PurePosixPath(target).suffix.lower()
            content_hash = self.store.put(data)
            Asset.objects.get_or_create(
                content_hash=content_hash, defaults={"media_type": IMAGE_TYPES[suffix]}
            )
            address = reverse("catalog:asset", args=[content_hash, suffix.removeprefix(".")])
            addresses[target] = (address, *image_size(data, suffix))
        return addresses

    def save(self, row: SyncedModel, values: Mapping[str, Any], *, identity: list[Any]) -> bool:
        """Write `row` if its content changed or it was retired; return whether it was."""
        content_hash = _hash(identity, values)
        self.hashes.append(content_hash)
        if row.content_hash == content_hash and row.is_published:
            return False
        for name, value in values.items():
            setattr(row, name, value)
        row.content_hash = content_hash
        row.changed_at = self.now
        row.is_published = True
        row.save()
        return True

    def retire(self, model: type[SyncedModel], kept: Iterable[SyncedModel]) -> list[str]:
        """Take rows that are published but not `kept` off the site; return their names."""
        gone = model._default_manager.filter(is_published=True).exclude(
            pk__in=[row.pk for row in kept]
        )
        names = [str(row) for row in gone]
        gone.update(is_published=False)
        return names
