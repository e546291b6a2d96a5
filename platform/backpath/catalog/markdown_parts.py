"""Python-Markdown extension: the components that lessons and specifications are made of.

Blocks and fences become elements of the site's design, headings get ids and anchors, tables
a scroll region, links and images their addresses. Raw HTML is text. What comes out is still
sanitised as a whole by `catalog.rendering`.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from pymdownx.blocks import BlocksExtension, BlocksProcessor
from pymdownx.blocks.block import Block

from backpath.catalog.code_blocks import ImageSource, fence_html
from backpath.catalog.markdown_scan import Fence, plain_text, scan_markdown, split_heading

_NOTE_TITLES: Final = {"note": "Note", "warn": "Watch out", "bad": "Avoid", "good": "Good"}
_TABS: Final = "tabbed-set"
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")


class NoteBlock(Block):  # type: ignore[misc]  # the base class is published without types
    """`/// warn | Title`: a note with a heading line; one class for each kind."""

    NAME = "note"
    ARGUMENT = None

    def on_create(self, parent: Element) -> Element:
        classes = "note" if self.NAME == "note" else f"note {self.NAME}"
        note = SubElement(parent, "aside", {"class": classes})
        title = SubElement(note, "p", {"class": "h"})
        title.text = (self.argument or "").strip() or _NOTE_TITLES[self.NAME]
        return note


class WarnBlock(NoteBlock):
    NAME = "warn"


class BadBlock(NoteBlock):
    NAME = "bad"


class GoodBlock(NoteBlock):
    NAME = "good"


class DetailsBlock(Block):  # type: ignore[misc]  # the base class is published without types
    """`/// details | Title`: folded text."""

    NAME = "details"
    ARGUMENT = True

    def on_create(self, parent: Element) -> Element:
        details = SubElement(parent, "details", {"class": "fold"})
        SubElement(details, "summary").text = self.argument.strip()
        SubElement(details, "div", {"class": "foldbody"})
        return details

    def on_add(self, block: Element) -> Element:
        return block[1]


class TabBlock(Block):  # type: ignore[misc]  # the base class is published without types
    """`/// tab | Title`: neighbours form one set of radio buttons, labels and panels."""

    NAME = "tab"
    ARGUMENT = True

    def on_create(self, parent: Element) -> Element:
        last = parent[-1] if len(parent) else None
        if last is not None and last.get("class") == _TABS and not (last.tail or "").strip():
            tabs = last
        else:
            tabs = SubElement(parent, "div", {"class": _TABS, "role": "group"})
            SubElement(tabs, "div", {"class": "tabbed-labels"})
            SubElement(tabs, "div", {"class": "tabbed-content"})
        labels, panels = tabs[-2:]
        tabs.insert(len(tabs) - 2, Element("input", {"type": "radio"}))
        SubElement(labels, "label").text = self.argument.strip()
        SubElement(panels, "div", {"class": "tabbed-block"})
        return tabs

    def on_add(self, block: Element) -> Element:
        return block[-1][-1]


class _Blocks(BlocksExtension):  # type: ignore[misc]  # the base class is published without types
    def extendMarkdownBlocks(self, md: Markdown, block_mgr: BlocksProcessor) -> None:  # noqa: ARG002, N802 - the library's signature
        for block in (NoteBlock, WarnBlock, BadBlock, GoodBlock, DetailsBlock, TabBlock):
            block_mgr.register(block, {})


class _FencePreprocessor(Preprocessor):
    """Puts the finished HTML of each fence aside and a mark in its place."""

    def __init__(self, md: Markdown, fences: Callable[[], list[Fence]], images: ImageSource):
        super().__init__(md)
        self.fences = fences
        self.images = images

    def run(self, lines: list[str]) -> list[str]:
        result: list[str] = []
        done = 0
        # The lines were normalised (tabs, line ends) since the text was read; the fences of
        # the original reading are the ones that count.
        found = scan_markdown("\n".join(lines)).fences
        for place, fence in zip(found, self.fences(), strict=True):
            result.extend(lines[done : place.line - 1])
            indent = re.match(r" *", lines[place.line - 1])
            mark = self.md.htmlStash.store(fence_html(fence, self.images))
            result.extend(["", f"{indent[0] if indent else ''}{mark}", ""])
            done = place.end_line
        return [*result, *lines[done:]]


class _HeadingIds(Treeprocessor):
    """Before inline parsing: takes `{#id}` off headings, or makes an id."""

    def run(self, root: Element) -> None:
        for heading in root.iter():
            if heading.tag in _HEADINGS:
                text, identifier = split_heading((heading.text or "").strip())
                heading.text = text
                heading.set("id", identifier)


class _Finish(Treeprocessor):
    """After inline parsing: anchors, tables, tabs, links and images."""

    def __init__(self, md: Markdown, images: ImageSource) -> None:
        super().__init__(md)
        self.images = images

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            for index, child in enumerate(list(parent)):
                if child.tag == "table":
                    parent[index] = _table_region(child)
        tabsets = 0
        for element in list(root.iter()):
            if element.tag in ("h2", "h3") and element.get("id"):
                _add_anchor(element)
            elif element.tag == "a":
                _finish_link(element)
            elif element.tag == "img":
                self.image(element)
            elif element.get("class") == _TABS:
                tabsets += 1
                _number_tabs(element, f"tabs-{tabsets}")

    def image(self, image: Element) -> None:
        found = self.images(unquote(image.get("src", "")))
        if found is None:
            image.attrib.pop("src", None)
            return
        address, width, height = found
        image.set("src", address)
        image.set("loading", "lazy")
        if width and height:
            image.set("width", str(width))
            image.set("height", str(height))


def _add_anchor(heading: Element) -> None:
    anchor = Element(
        "a",
        {
            "class": "anchor",
            "href": f"#{heading.get('id')}",
            "aria-label": "Link to this section",
        },
    )
    anchor.text = "#"
    anchor.tail = heading.text
    heading.text = None
    heading.insert(0, anchor)


def _finish_link(link: Element) -> None:
    if link.get("href", "").startswith(("http://", "https://")):
        link.set("rel", "external noopener")


def _number_tabs(tabs: Element, name: str) -> None:
    labels = list(tabs[-2])
    tabs.set("aria-label", ", ".join(label_text(label) for label in labels))
    for number, (button, label) in enumerate(zip(tabs.findall("input"), labels, strict=True), 1):
        button.set("name", name)
        button.set("id", f"{name}-{number}")
        label.set("for", f"{name}-{number}")
        if number == 1:
            button.set("checked", "checked")


def label_text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _table_region(table: Element) -> Element:
    """The table in a region that scrolls by itself and can be reached by keyboard."""
    heads = table.findall("thead/tr/th")
    for row in table.iter("tr"):
        for cell in row:
            # The alignment arrives as a style, which a strict policy would block.
            if "right" in (cell.attrib.pop("style", "") or ""):
                cell.set("class", "r")
    is_comparison = bool(heads) and not label_text(heads[0])
    for head in heads:
        head.set("scope", "col")
    if is_comparison:
        heads[0].tag = "td"
        heads[0].attrib.pop("scope")
        for row in table.findall("tbody/tr"):
            if len(row):
                row[0].tag = "th"
                row[0].set("scope", "row")
    table.set("class", "tbl cmp" if is_comparison else "tbl")
    titles = ", ".join(filter(None, (label_text(head) for head in heads)))
    region = Element(
        "div",
        {
            "class": "scroll",
            "tabindex": "0",
            "role": "region",
            "aria-label": f"Table: {plain_text(titles)}",
        },
    )
    region.append(table)
    region.tail, table.tail = table.tail, None
    return region


class LessonMarkdown(Extension):
    """All parts together; `fences` are those of the text about to be converted."""

    def __init__(self, images: ImageSource, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.images = images
        self.fences: list[Fence] = []

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        md.registerExtension(self)
        # Raw HTML stays what it is: text that gets escaped.
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        # Code is written in fences; four spaces are only indentation.
        md.parser.blockprocessors.deregister("code")
        _Blocks().extendMarkdown(md)
        fences = _FencePreprocessor(md, lambda: self.fences, self.images)
        md.preprocessors.register(fences, "backpath_fences", 26)
        md.treeprocessors.register(_HeadingIds(md), "backpath_heading_ids", 25)
        md.treeprocessors.register(_Finish(md, self.images), "backpath_finish", 5)
