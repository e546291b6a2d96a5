"""Read `lessons/`: paths, modules, lessons, quizzes. What one file says is checked here;
what files say about each other is checked in `catalog.references`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pydantic import TypeAdapter

from backpath.catalog.files import MAX_IMAGE_BYTES, ContentFiles
from backpath.catalog.markdown_scan import MarkdownScan, scan_markdown
from backpath.catalog.schema import (
    MAX_WORDS,
    SLUG_PATTERN,
    LessonMeta,
    ModuleFile,
    PathFile,
    QuizItem,
)
from backpath.catalog.svg import svg_problem
from backpath.catalog.text_checks import check_text
from backpath.catalog.tree import LessonContent, ModuleContent, PathContent
from backpath.catalog.yaml_lines import LocatedYaml, read_yaml, validate

IMAGE_TYPES: Final[Mapping[str, str]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_IMAGE_STARTS: Final[Mapping[str, tuple[bytes, ...]]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".webp": (b"RIFF",),
}
_MODULE_FOLDER = re.compile(r"^(?P<number>\d{2})-(?P<slug>.+)$")
_LESSON_FOLDER = re.compile(r"^(?P<number>\d{3})-(?P<slug>.+)$")
_PATH: Final = TypeAdapter(PathFile).validate_python
_MODULE: Final = TypeAdapter(ModuleFile).validate_python
_LESSON: Final = TypeAdapter(LessonMeta).validate_python
_QUIZ: Final = TypeAdapter(list[QuizItem]).validate_python
MIN_QUIZ_ITEMS: Final = 4
MAX_QUIZ_ITEMS: Final = 6


def read_paths(files: ContentFiles) -> list[PathContent]:
    """All learning paths below the root of `files`, by position, whatever their problems."""
    paths = []
    for directory in files.folders(files.root):
        if not re.fullmatch(SLUG_PATTERN, directory.name):
            files.report(
                directory,
                0,
                f"`{directory.name}` cannot be the slug of a path.",
                "Name the folder in lower-case words joined by hyphens.",
            )
            continue
        if path := _read_path(files, directory):
            paths.append(path)
    return sorted(paths, key=lambda path: (path.meta.position, path.slug))


def load_yaml[Model](
    files: ContentFiles, path: Path, parse: Callable[[Any], Model]
) -> tuple[Model | None, LocatedYaml]:
    """Read and validate a YAML file; problems go to `files`."""
    text = files.read_text(path)
    if text is None:
        return None, LocatedYaml()
    located, problems = read_yaml(text, files.name(path))
    files.problems.extend(problems)
    if problems and located.data is None:
        return None, located
    value, field_problems = validate(located, parse, files.name(path))
    files.problems.extend(field_problems)
    return value, located


def _read_path(files: ContentFiles, directory: Path) -> PathContent | None:
    meta, located = load_yaml(files, directory / "path.yaml", _PATH)
    modules = [
        module
        for folder, match in _numbered_folders(files, directory, _MODULE_FOLDER, {"path.yaml"})
        if (module := _read_module(files, folder, match))
    ]
    if meta is None:
        files.unread.update(lesson.slug for module in modules for lesson in module.lessons)
        return None
    planned_lines = tuple(located.line_of(("planned", i)) for i in range(len(meta.planned)))
    name = files.name(directory / "path.yaml")
    return PathContent(directory.name, name, meta, tuple(modules), planned_lines)


def _numbered_folders(
    files: ContentFiles, directory: Path, pattern: re.Pattern[str], known_files: set[str]
) -> list[tuple[Path, re.Match[str]]]:
    found: list[tuple[Path, re.Match[str]]] = []
    numbers: dict[str, str] = {}
    digits = "NN" if pattern is _MODULE_FOLDER else "NNN"
    for entry in files.entries(directory):
        match = pattern.match(entry.name)
        if not entry.is_dir():
            if entry.name not in known_files:
                files.report(entry, 0, "This file belongs to nothing.", "Remove it.", "warning")
        elif not match or not re.fullmatch(SLUG_PATTERN, match["slug"]):
            remedy = f"Name it `{digits}-slug`: the number orders, the slug is permanent."
            files.report(entry, 0, f"`{entry.name}` is no name for a folder here.", remedy)
        elif match["number"] in numbers:
            message = f"The number {match['number']} is taken by `{numbers[match['number']]}`."
            files.report(entry, 0, message, "Give this folder another number.")
        else:
            numbers[match["number"]] = entry.name
            found.append((entry, match))
    return found


def _read_module(files: ContentFiles, directory: Path, name: re.Match[str]) -> ModuleContent | None:
    meta, located = load_yaml(files, directory / "module.yaml", _MODULE)
    lessons = [
        lesson
        for folder, match in _numbered_folders(files, directory, _LESSON_FOLDER, {"module.yaml"})
        if (lesson := _read_lesson(files, folder, match))
    ]
    if meta is None:
        files.unread.update(lesson.slug for lesson in lessons)
        return None
    lines = tuple(located.line_of(("projects", index)) for index in range(len(meta.projects)))
    return ModuleContent(
        slug=name["slug"],
        number=int(name["number"]),
        file=files.name(directory / "module.yaml"),
        meta=meta,
        lessons=tuple(lessons),
        project_lines=lines,
    )


def _read_lesson(files: ContentFiles, directory: Path, name: re.Match[str]) -> LessonContent | None:
    path = directory / "lesson.md"
    text = files.read_text(path)
    quiz, quiz_lines = _read_quiz(files, directory / "quiz.yaml")
    if text is None:
        files.unread.add(name["slug"])
        return None
    meta, located, body, body_line = _split_front_matter(files, path, text)
    scan = scan_markdown(body, first_line=body_line)
    check_text(scan, lambda line, message, remedy: files.report(path, line, message, remedy))
    if scan.word_count > MAX_WORDS:
        message = f"The lesson has {scan.word_count} words; at most {MAX_WORDS} are read."
        files.report(path, body_line, message, "Cut it, or split it in two lessons.")
    images = read_images(files, path, scan)
    _report_stray_files(files, directory, scan)
    if meta is None:
        files.unread.add(name["slug"])
        return None
    return LessonContent(
        slug=name["slug"],
        number=int(name["number"]),
        file=files.name(path),
        directory=directory,
        meta=meta,
        body=body,
        body_line=body_line,
        scan=scan,
        quiz=quiz,
        quiz_file=files.name(directory / "quiz.yaml"),
        quiz_lines=quiz_lines,
        meta_lines={".".join(map(str, key)): line for key, line in located.lines.items() if key},
        images=images,
    )


def _split_front_matter(
    files: ContentFiles, path: Path, text: str
) -> tuple[LessonMeta | None, LocatedYaml, str, int]:
    """Front matter, its lines, the body, and the line the body begins on."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        files.report(path, 1, "The file does not begin with front matter.", "Begin with `---`.")
        return None, LocatedYaml(), text, 1
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        files.report(path, 1, "The front matter does not end.", "Close it with `---`.")
        return None, LocatedYaml(), "", 1
    file = files.name(path)
    located, problems = read_yaml("\n".join(lines[1:end]), file, first_line=2)
    files.problems.extend(problems)
    meta = None
    if not (problems and located.data is None):
        meta, field_problems = validate(located, _LESSON, file)
        files.problems.extend(field_problems)
    return meta, located, "\n".join(lines[end + 1 :]), end + 2


def _read_quiz(files: ContentFiles, path: Path) -> tuple[tuple[QuizItem, ...], tuple[int, ...]]:
    items, located = load_yaml(files, path, _QUIZ)
    if items is None:
        return (), ()
    lines = tuple(located.line_of((index,)) for index in range(len(items)))
    if not MIN_QUIZ_ITEMS <= len(items) <= MAX_QUIZ_ITEMS:
        message = f"The quiz has {len(items)} items."
        files.report(path, 1, message, f"Write {MIN_QUIZ_ITEMS} to {MAX_QUIZ_ITEMS}.")
    seen: set[str] = set()
    for item, line in zip(items, lines, strict=True):
        if item.id in seen:
            files.report(path, line, f"The id `{item.id}` appears twice.", "Ids are unique.")
        seen.add(item.id)
        right = sum(option.right for option in item.options)
        if right == 0 or (right > 1 and not item.many):
            message = f"`{item.id}` has {right} right options."
            files.report(path, line, message, "Mark one, or set `many: true`.")
        elif right == len(item.options):
            files.report(path, line, f"Every option of `{item.id}` is right.", "Add a wrong one.")
    reviews = [line for item, line in zip(items, lines, strict=True) if item.from_lesson]
    if len(reviews) != 1:
        message = f"{len(reviews)} items come from an earlier lesson."
        remedy = "Give exactly one item `from: <slug of an earlier lesson>`."
        files.report(path, reviews[1] if reviews else 1, message, remedy)
    return tuple(items), lines


def read_images(files: ContentFiles, path: Path, scan: MarkdownScan) -> dict[str, bytes]:
    """The images beside the Markdown file at `path`, by target: those it shows, and the
    rendered diagrams. What is missing, unsafe or without alternative text is reported.
    """
    images: dict[str, bytes] = {}
    for link in scan.links:
        if not link.is_image:
            continue
        if not link.text:
            message = f"The image `{link.target}` has no alternative text."
            files.report(path, link.line, message, "Say what it shows: `![…](file.png)`.")
        parts = unquote(link.target).split("/")
        if ":" in link.target or link.target.startswith(("/", "#")) or ".." in parts:
            message = f"The image `{link.target}` is not beside the text."
            files.report(path, link.line, message, "Put the file into this folder.")
            continue
        data = _read_image(files, path, link.line, path.parent.joinpath(*parts))
        if data is not None:
            images[link.target] = data
    for fence in scan.diagrams:
        for scheme in ("light", "dark"):
            name = f"diagrams/{fence.diagram_name}-{scheme}.svg"
            data = _read_image(files, path, fence.line, path.parent / name)
            if data is not None:
                images[name] = data
    return images


def _read_image(files: ContentFiles, text_path: Path, line: int, path: Path) -> bytes | None:
    is_diagram = path.parent.name == "diagrams"
    name = path.relative_to(text_path.parent).as_posix()
    if any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(files.root)):
        files.report(text_path, line, f"`{name}` lies behind a link.", "Put the file there.")
        return None
    if not files.is_file(path):
        if is_diagram:
            remedy = "Render it with `./dev diagrams` and commit the file."
            files.report(text_path, line, f"The diagram is not rendered: no `{name}`.", remedy)
        else:
            files.report(text_path, line, f"There is no image `{name}`.", "Add the file.")
        return None
    kind = path.suffix.lower()
    if kind not in IMAGE_TYPES:
        known = ", ".join(sorted(IMAGE_TYPES))
        files.report(text_path, line, f"`{name}` is no image used here.", f"Use {known}.")
        return None
    data = files.read_bytes(path, MAX_IMAGE_BYTES)
    if data is None:
        return None
    if kind == ".svg":
        if problem := svg_problem(data):
            remedy = "Render it anew, or keep to shapes and text."
            files.report(path, 0, f"The SVG cannot be served: {problem}.", remedy)
            return None
    elif not data.startswith(_IMAGE_STARTS[kind]):
        files.report(path, 0, f"The content is not that of a {kind} file.", "Export it anew.")
        return None
    return data


def _report_stray_files(files: ContentFiles, directory: Path, scan: MarkdownScan) -> None:
    wanted = {f"{f.diagram_name}-{s}.svg" for f in scan.diagrams for s in ("light", "dark")}
    shown = {unquote(link.target) for link in scan.links if link.is_image}
    known = {"lesson.md", "quiz.yaml"} | shown
    for path in files.walk(directory):
        name = path.relative_to(directory).as_posix()
        if name in known:
            continue
        if path.parent.name == "diagrams":
            if path.name not in wanted:
                remedy = "`./dev diagrams` removes it."
                files.report(path, 0, "No diagram has this text any more.", remedy, "warning")
        else:
            files.report(path, 0, "The lesson does not use this file.", "Remove it.", "warning")
