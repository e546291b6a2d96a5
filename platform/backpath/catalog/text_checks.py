"""What must hold for every Markdown text of the content: lessons and specifications."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from backpath.catalog.markdown_scan import (
    FENCE_OPTIONS,
    FENCE_TAGS,
    Fence,
    MarkdownScan,
    highlighted_lines,
)

Report = Callable[[int, str, str], None]
"""Takes a line, a message and a remedy."""

# Ids that the page around the text uses.
RESERVED_IDS: Final = frozenset({"main", "top", "check", "checks", "attempts", "done"})
RESERVED_ID_STARTS: Final = ("i-", "check-", "group-", "path-", "module-", "tabs-")
_RUN_LANGUAGES: Final = frozenset({"python"})
_TAGS_TEXT: Final = "`run`, `expect-error` or `illustration`"


def check_text(scan: MarkdownScan, report: Report, *, tags_required: bool = True) -> None:
    """Report what is wrong inside the text: headings, fences, raw HTML, unclosed blocks."""
    for finding in scan.findings:
        report(finding.line, finding.message, finding.remedy)
    _check_headings(scan, report)
    previous: Fence | None = None
    for fence in scan.fences:
        check_fence(fence, previous, report, tags_required=tags_required)
        previous = fence


def _check_headings(scan: MarkdownScan, report: Report) -> None:
    seen: dict[str, int] = {}
    level_before = 1
    for heading in scan.headings:
        line, level = heading.line, heading.level
        if heading.in_block:
            report(line, "A heading stands inside a block.", "Close the block before it.")
        if level == 1:
            report(line, "The title is the only first-level heading.", "Begin it with `##`.")
        elif level > level_before + 1:
            report(
                line,
                f"The heading jumps from level {level_before} to level {level}.",
                f"Begin it with `{'#' * (level_before + 1)}`.",
            )
        level_before = max(level, 2) if level == 1 else level
        if not heading.id:
            report(line, "The heading has no id.", "Give it one: `## Title {#short-name}`.")
        elif not _is_id(heading.id):
            remedy = "Use lower-case letters, digits and single hyphens, beginning with a letter."
            report(line, f"`{heading.id}` cannot be the id of a heading.", remedy)
        elif heading.id in RESERVED_IDS or heading.id.startswith(RESERVED_ID_STARTS):
            remedy = "Give the heading another: `{#…}`."
            report(line, f"The id `{heading.id}` is used by the page itself.", remedy)
        elif heading.id in seen:
            report(
                line,
                f"The id `{heading.id}` is used by the heading on line {seen[heading.id]} too.",
                "Give this one its own: `{#…}`.",
            )
        seen.setdefault(heading.id, line)


def _is_id(value: str) -> bool:
    return (
        value[:1].isalpha()
        and value.isascii()
        and value == value.lower()
        and all(part.isalnum() for part in value.split("-"))
    )


def check_fence(
    fence: Fence, previous: Fence | None, report: Report, *, tags_required: bool
) -> None:
    """Report what is wrong with the info string of one fence."""
    line = fence.line
    if fence.unreadable:
        remedy = 'Write the language, one word, and options as `key="value"`.'
        report(line, f"The fence's options cannot be read from `{fence.unreadable}`.", remedy)
        return
    if not fence.language:
        report(line, "The fence names no language.", "Write one; `text` fits anything.")
        return
    if fence.is_diagram:
        if not fence.options.get("alt", "").strip():
            remedy = 'Say in a sentence or two what it shows: `mermaid alt="…"`.'
            report(line, "The diagram has no text equivalent.", remedy)
    elif fence.language == "output":
        if not (previous and previous.tag in {"run", "expect-error"}):
            remedy = "Put it after a `run` fence, or tag it as `text illustration`."
            report(line, "An output fence follows no fence that is run.", remedy)
    else:
        _check_code_fence(fence, report, tags_required=tags_required)
    for option in fence.options:
        if option not in FENCE_OPTIONS or (option == "alt") != fence.is_diagram:
            known = "`alt`" if fence.is_diagram else "`title` and `hl_lines`"
            report(line, f"There is no option `{option}` here.", f"Known are {known}.")


def _check_code_fence(fence: Fence, report: Report, *, tags_required: bool) -> None:
    line = fence.line
    try:
        get_lexer_by_name(fence.language)
    except ClassNotFound:
        remedy = "Use a Pygments name such as python, http, json, bash, toml, text."
        report(line, f"There is no language `{fence.language}`.", remedy)
    for word in fence.words:
        if word not in FENCE_TAGS:
            report(line, f"There is no tag `{word}`.", f"Use {_TAGS_TEXT}.")
    if len(fence.tags) > 1 or (tags_required and not fence.tags):
        report(line, "The fence needs exactly one tag.", f"Use {_TAGS_TEXT}.")
    elif fence.tag in {"run", "expect-error"} and fence.language not in _RUN_LANGUAGES:
        report(line, f"Only Python can be tagged `{fence.tag}`.", "Tag it `illustration`.")
    if marked := fence.options.get("hl_lines"):
        try:
            last = max(highlighted_lines(marked), default=0)
        except ValueError:
            report(line, f"`hl_lines` cannot be read from `{marked}`.", "Write `2 5-7`.")
        else:
            if last > fence.text.count("\n") + 1:
                report(line, f"`hl_lines` marks line {last}, past the end.", "Count again.")


@dataclass(frozen=True)
class LinkTargets:
    """What a text may link to: heading ids of each lesson, lessons to come, assignments, and
    what is there but could not be read.
    """

    lesson_ids: Mapping[str, Set[str]]
    planned: Set[str]
    assignments: Set[str]
    unread: Set[str] = frozenset()


@dataclass(frozen=True)
class InternalLink:
    """`kind` is `section` (of the same page), `lesson` or `project`."""

    kind: str
    slug: str
    anchor: str


def parse_internal_link(target: str) -> InternalLink | None:
    """`#patch`, `/lessons/put-vs-patch/#patch` or `/projects/articles-rest/`; else None."""
    place, _, anchor = target.partition("#")
    if not place:
        return InternalLink("section", "", anchor) if anchor else None
    parts = place.split("/")
    if len(parts) == 4 and parts[0] == "" and parts[3] == "" and parts[2]:
        kind = {"lessons": "lesson", "projects": "project"}.get(parts[1])
        if kind:
            return InternalLink(kind, parts[2], anchor)
    return None


def check_links(scan: MarkdownScan, targets: LinkTargets, report: Report) -> None:
    """Report links (not images) that lead nowhere or have an unknown form."""
    for link in scan.links:
        if link.is_image or link.target.startswith(("http://", "https://", "mailto:")):
            continue
        internal = parse_internal_link(link.target)
        if internal is None:
            remedy = (
                "Write `#heading-id`, `/lessons/<slug>/#heading-id`, `/projects/<slug>/` "
                "or an https address."
            )
            report(link.line, f"`{link.target}` is no form of link used here.", remedy)
        elif internal.kind == "section":
            if internal.anchor not in scan.heading_ids:
                remedy = "Use the id of a heading of this text."
                report(link.line, f"There is no section `#{internal.anchor}` here.", remedy)
        elif internal.kind == "project":
            if internal.slug not in targets.assignments | targets.unread:
                remedy = "Use the slug of a folder in graders/."
                report(link.line, f"There is no project `{internal.slug}`.", remedy)
        else:
            _check_lesson_link(internal, link.line, targets, report)


def _check_lesson_link(
    internal: InternalLink, line: int, targets: LinkTargets, report: Report
) -> None:
    if message := lesson_link_problem(internal.slug, internal.anchor, targets):
        report(line, *message)


def lesson_link_problem(slug: str, anchor: str, targets: LinkTargets) -> tuple[str, str] | None:
    """Message and remedy when no lesson `slug` with a heading `anchor` exists; else None."""
    if slug in targets.unread:
        return None
    if slug not in targets.lesson_ids:
        if slug in targets.planned:
            message = f"The lesson `{slug}` is planned, but not written."
            return message, "Name it without a link, or link to a written one."
        return f"There is no lesson `{slug}`.", "Use the slug of a lesson folder, without number."
    if anchor and anchor not in targets.lesson_ids[slug]:
        known = ", ".join(sorted(targets.lesson_ids[slug])) or "none"
        return f"The lesson `{slug}` has no section `#{anchor}`.", f"Its sections: {known}."
    return None
