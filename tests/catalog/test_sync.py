"""Content becomes rows whole or not at all, and rows are never lost."""

import io
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from backpath.catalog.blobs import BlobMissing, BlobStore
from backpath.catalog.loader import load_content
from backpath.catalog.models import (
    Asset,
    Assignment,
    ContentVersion,
    LearningPath,
    Lesson,
    Module,
    QuizItem,
)
from backpath.catalog.packages import PackageRefused, content_hash, grader_tar, starter_zip
from backpath.catalog.sync import ContentRefused, sync_content
from tests.catalog.factories import (
    LESSON_BODY,
    ContentFolder,
    make_diagram,
    make_front_matter,
    make_quiz_items,
)

pytestmark = pytest.mark.django_db

FIRST = "lessons/data/04-rest/010-first/lesson.md"


def test_rows_say_what_the_files_say(content: ContentFolder, store: BlobStore) -> None:
    result = content.sync(store)
    assert result.is_changed
    assert (result.version.lesson_count, result.version.assignment_count) == (2, 1)
    path = LearningPath.objects.get()
    module = Module.objects.get()
    assert (path.slug, module.path, module.code, module.number) == ("data", path, "M4", 4)
    lesson = Lesson.objects.get(slug="second")
    assert (lesson.module, lesson.position, lesson.number) == (module, 2, 20)
    assert lesson.meta["needs"] == ["first"]
    assert '<h2 id="part">' in lesson.html
    assert [entry["id"] for entry in lesson.toc] == ["part", "other"]
    assert lesson.word_count > 10
    review = QuizItem.objects.get(lesson=lesson, slug="review")
    assert (review.from_lesson, review.section, review.position) == ("first", "part", 4)
    assert review.options[0] == {"text": "Yes", "why": "It is so.", "right": True}


def test_assignment_keeps_its_definition_and_archives(
    content: ContentFolder, store: BlobStore
) -> None:
    content.sync(store)
    assignment = Assignment.objects.get(slug="small-api")
    folder = content.graders / "small-api"
    assert assignment.module == Module.objects.get()
    assert assignment.pass_score == 80
    assert [check["id"] for check in assignment.checks] == [
        "start.health",
        "read.list",
        "read.hidden",
    ]
    assert assignment.definition["limits"]["wall_seconds"] == 120
    assert assignment.grader_hash == content_hash(grader_tar(folder))
    assert store.read(assignment.grader_hash) == grader_tar(folder)
    assert store.read(assignment.starter_hash) == starter_zip(folder)
    assert [entry["id"] for entry in assignment.spec_toc] == ["rules"]


def test_refused_content_changes_nothing(content: ContentFolder, store: BlobStore) -> None:
    content.sync(store)
    before = Lesson.objects.get(slug="first").html
    content.edit(FIRST, "More text.", "Better text.")
    content.edit("lessons/data/04-rest/020-second/lesson.md", "minutes: 15", "minutes: 1")
    with pytest.raises(ContentRefused) as refusal:
        content.sync(store)
    assert [problem.file for problem in refusal.value.problems] == [
        "lessons/data/04-rest/020-second/lesson.md"
    ]
    assert refusal.value.code == "content-refused"
    assert Lesson.objects.get(slug="first").html == before
    assert ContentVersion.objects.count() == 1


def test_failure_half_way_changes_nothing(
    content: ContentFolder, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.sync(store)
    content.edit(FIRST, "More text.", "Better text.")
    tree, problems = load_content(content.lessons, content.graders)
    shutil.rmtree(content.graders / "small-api/grader")
    with pytest.raises(PackageRefused):
        sync_content(tree, problems, store=store)
    assert "Better text" not in Lesson.objects.get(slug="first").html


def test_warnings_do_not_refuse(content: ContentFolder, store: BlobStore) -> None:
    make_diagram(content, "010-first", "flowchart TD")
    assert content.sync(store).version.warning_count == 2


def test_unchanged_content_is_left_alone(content: ContentFolder, store: BlobStore) -> None:
    content.sync(store)
    before = {lesson.slug: lesson.changed_at for lesson in Lesson.objects.all()}
    result = content.sync(store)
    assert (result.is_changed, result.rendered, result.retired) == (False, [], [])
    assert {lesson.slug: lesson.changed_at for lesson in Lesson.objects.all()} == before
    assert ContentVersion.objects.count() == 1


def test_only_what_changed_is_rendered(content: ContentFolder, store: BlobStore) -> None:
    content.sync(store)
    content.edit(FIRST, "More text.", "Better text.")
    content.edit("lessons/data/04-rest/020-second/lesson.md", "minutes: 15", "minutes: 20")
    tree, problems = load_content(content.lessons, content.graders)
    later = datetime(2030, 1, 1, tzinfo=UTC)
    result = sync_content(tree, problems, store=store, now=later)
    assert (result.is_changed, result.rendered) == (True, [FIRST])
    assert "Better text" in Lesson.objects.get(slug="first").html
    assert Lesson.objects.get(slug="second").minutes == 20
    assert Lesson.objects.get(slug="first").changed_at == later
    assert LearningPath.objects.get().changed_at != later


def test_lesson_that_disappears_is_retired_and_comes_back(
    content: ContentFolder, store: BlobStore
) -> None:
    content.sync(store)
    second = Lesson.objects.get(slug="second")
    folder = content.module / "020-second"
    folder.rename(content.root / "aside")
    result = content.sync(store)
    assert result.retired == ["Second steps"]
    second.refresh_from_db()
    assert not second.is_published
    (content.root / "aside").rename(folder)
    content.sync(store)
    assert Lesson.objects.get(slug="second").pk == second.pk
    assert Lesson.objects.get(slug="second").is_published


def test_renumbered_lesson_stays_the_same_row(content: ContentFolder, store: BlobStore) -> None:
    content.sync(store)
    second = Lesson.objects.get(slug="second")
    (content.module / "020-second").rename(content.module / "030-second")
    content.sync(store)
    assert Lesson.objects.get(slug="second").pk == second.pk
    assert Lesson.objects.get(slug="second").number == 30


def test_assignment_that_disappears_is_retired(content: ContentFolder, store: BlobStore) -> None:
    content.sync(store)
    shutil.rmtree(content.graders / "small-api")
    content.add_module("data", "04-rest")
    assert content.sync(store).retired == ["Small API"]
    assert not Assignment.objects.get().is_published
    assert store.read(Assignment.objects.get().grader_hash)


def test_quiz_items_keep_their_rows_and_go_when_removed(
    content: ContentFolder, store: BlobStore
) -> None:
    content.sync(store)
    lesson = Lesson.objects.get(slug="first")
    ids = dict(lesson.quiz_items.values_list("slug", "pk"))
    items = make_quiz_items()
    items[0]["question"] = "Something `else`?"
    items[1]["id"] = "renamed"
    content.add_lesson("010-first", title="First steps", quiz=items)
    content.sync(store)
    now = dict(lesson.quiz_items.values_list("slug", "pk"))
    assert now["item-1"] == ids["item-1"]
    assert set(now) == {"item-1", "renamed", "item-3", "review"}
    assert lesson.quiz_items.get(slug="item-1").question == "<p>Something <code>else</code>?</p>"


def test_grader_that_changed_is_stored_beside_the_old_one(
    content: ContentFolder, store: BlobStore
) -> None:
    content.sync(store)
    old = Assignment.objects.get().grader_hash
    content.edit("graders/small-api/grader/test_all.py", "pass", "assert True")
    content.sync(store)
    new = Assignment.objects.get().grader_hash
    assert new != old
    assert b"assert True" in store.read(new)
    assert b"assert True" not in store.read(old)


def test_diagrams_are_stored_and_addressed_by_content(
    content: ContentFolder, store: BlobStore
) -> None:
    text = "flowchart TD"
    make_diagram(content, "010-first", text)
    body = f'{LESSON_BODY}\n```mermaid alt="A."\n{text}\n```\n'
    content.write(FIRST, f"---\n{make_front_matter()}---\n{body}")
    content.sync(store)
    asset = Asset.objects.get()
    assert asset.media_type == "image/svg+xml"
    html = Lesson.objects.get(slug="first").html
    assert f'src="/content/{asset.content_hash}.svg"' in html
    assert 'width="40"' in html
    assert store.read(asset.content_hash).startswith(b"<svg")


def test_command_reports_every_problem_and_what_still_serves(
    content: ContentFolder, settings: LazySettings, tmp_path: Path
) -> None:
    settings.BACKPATH_DATA_DIR = tmp_path / "data"
    folders = {"lessons": content.lessons, "graders": content.graders}
    out, err = io.StringIO(), io.StringIO()
    call_command("sync_content", **folders, stdout=out, stderr=err)
    assert "2 lessons, 1 assignments" in out.getvalue()
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    line = (content.root / FIRST).read_text().splitlines().index("minutes: 1") + 1
    with pytest.raises(CommandError) as failure:
        call_command("sync_content", **folders, stdout=out, stderr=err)
    assert failure.value.returncode == 1
    assert f"{FIRST}:{line}: error:" in err.getvalue()
    version = ContentVersion.objects.get().content_hash[:12]
    assert f"the last good version, {version}" in str(failure.value)
    assert "still served" in str(failure.value)


def test_first_refusal_says_that_nothing_is_served(content: ContentFolder) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    with pytest.raises(CommandError, match="no earlier version"):
        call_command(
            "sync_content",
            lessons=content.lessons,
            graders=content.graders,
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )


def test_store_mends_a_damaged_file_and_refuses_to_serve_it(store: BlobStore) -> None:
    name = store.put(b"content")
    path = store.root / name[:2] / name
    path.write_bytes(b"damaged")
    with pytest.raises(BlobMissing, match="damaged"):
        store.read(name)
    assert store.put(b"content") == name
    assert store.read(name) == b"content"
    assert [found.name for found in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["", "../../secret_key", "a" * 64 + "/", "A" * 64])
def test_store_knows_hashes_only(store: BlobStore, name: str) -> None:
    with pytest.raises(BlobMissing, match="no name"):
        store.read(name)
