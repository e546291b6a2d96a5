"""Markdown -> sanitised HTML.

Two walls: raw HTML in Markdown is only ever text (`markdown_parts`), and what the conversion
gives is reduced to a list of known elements, attributes and classes here. Nothing that comes
out needs `unsafe-inline`: no style, no script, no handler.

Rendering is pure. Its result is stored, and made again only when `render_key` changes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import nh3
from markdown import Markdown
from pygments.token import STANDARD_TYPES

from backpath.catalog.code_blocks import ImageSource
from backpath.catalog.markdown_parts import LessonMarkdown
from backpath.catalog.markdown_scan import normalise, scan_markdown

RENDERER_VERSION: Final = 1
"""Raise it when the same Markdown gives other HTML, so that stored pages are made anew."""

ImageAddresses = Mapping[str, tuple[str, int, int]]
"""Target as written -> (address, width, height in pixels; 0 when not known)."""

_EXTENSIONS: Final = ("abbr", "footnotes", "sane_lists", "smarty", "tables")
_EXTENSION_CONFIGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "footnotes": {"BACKLINK_TITLE": "Back to the text of note {}"},
    "smarty": {"smart_dashes": False, "smart_ellipses": False},
}

_TAGS: Final = {
    "a", "abbr", "aside", "blockquote", "br", "caption", "code", "dd", "del", "details", "div",
    "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "img", "input", "kbd", "label", "li", "ol", "p", "pre", "span", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_HEADING_ATTRIBUTES: Final = {"id"}
_ATTRIBUTES: Final = {
    "a": {"href", "title", "aria-label"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"id", "name", "checked"},
    "label": {"for"},
    "div": {"aria-label"},
    "li": {"id"},
    "sup": {"id"},
    "ol": {"start"},
    "h2": _HEADING_ATTRIBUTES,
    "h3": _HEADING_ATTRIBUTES,
    "h4": _HEADING_ATTRIBUTES,
    "h5": _HEADING_ATTRIBUTES,
    "h6": _HEADING_ATTRIBUTES,
}
_VALUES: Final = {
    "a": {"rel": {"external noopener"}, "role": {"doc-noteref", "doc-backlink"}},
    "div": {"role": {"group", "region"}, "tabindex": {"0"}},
    "img": {"loading": {"lazy"}},
    "input": {"type": {"radio"}},
    "pre": {"tabindex": {"0"}},
    "th": {"scope": {"col", "row"}},
}
_CLASSES: Final = {
    "a": {"anchor", "footnote-ref", "footnote-backref"},
    "aside": {"note", "warn", "bad", "good"},
    "details": {"fold"},
    "div": {
        "foldbody",
        "footnote",
        "scroll",
        "tabbed-block",
        "tabbed-content",
        "tabbed-labels",
        "tabbed-set",
    },
    "figure": {"code", "output", "diagram"},
    "img": {"light", "dark"},
    "p": {"h"},
    "span": {"hl", "lang", "tag", "lamp", *filter(None, STANDARD_TYPES.values())},
    "table": {"tbl", "cmp"},
    "td": {"r"},
    "th": {"r"},
}
_CHEVRON: Final = '<svg class="i chev" aria-hidden="true"><use href="#i-chev"/></svg>'


@dataclass(frozen=True)
class TocEntry:
    id: str
    title: str
    level: int

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "level": self.level}


@dataclass(frozen=True)
class Rendered:
    html: str
    toc: tuple[TocEntry, ...]


class Renderer:
    """Converts Markdown texts; `images` are the pictures that they may show.

    One instance is used for one set of images and by one thread.
    """

    def __init__(self, images: ImageAddresses | None = None) -> None:
        self._parts = LessonMarkdown(self._source(images or {}))
        self._markdown = Markdown(
            extensions=[*_EXTENSIONS, self._parts],
            extension_configs={name: dict(value) for name, value in _EXTENSION_CONFIGS.items()},
            output_format="html",
        )

    @staticmethod
    def _source(images: ImageAddresses) -> ImageSource:
        return images.get

    def render(self, text: str) -> Rendered:
        """A whole text: blocks as HTML, and its headings of level two and three."""
        text = normalise(text)
        scan = scan_markdown(text)
        toc = tuple(
            TocEntry(heading.id, heading.text, heading.level)
            for heading in scan.headings
            if heading.level in (2, 3) and not heading.in_block
        )
        self._parts.fences = scan.fences
        self._markdown.reset()
        return Rendered(sanitise(self._markdown.convert(text)), toc)

    def render_inline(self, text: str) -> str:
        """One paragraph without its `<p>`, for labels and options."""
        html = self.render(text).html.strip()
        inner = html.removeprefix("<p>").removesuffix("</p>")
        return inner if html == f"<p>{inner}</p>" and "<p>" not in inner else html


def sanitise(html: str) -> str:
    """`html` reduced to the elements, attributes and classes of the design."""
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "template", "noscript", "title"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        tag_attribute_values={
            tag: {name: set(values) for name, values in names.items()}
            for tag, names in _VALUES.items()
        },
        allowed_classes={tag: set(names) for tag, names in _CLASSES.items()},
        url_schemes={"http", "https", "mailto"},
        url_relative=_on_this_site,
        link_rel=None,
        strip_comments=True,
    )
    return clean.replace("<summary>", f"<summary>{_CHEVRON}")


def _on_this_site(address: str) -> str | None:
    """Addresses without a scheme must be a place on the page or a path of the site."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path or address.startswith("#") else None


def render_key(text: str, images: ImageAddresses) -> str:
    """Hash of everything that decides what `text` renders to."""
    parts = json.dumps([RENDERER_VERSION, text, sorted(images.items())], ensure_ascii=False)
    return hashlib.sha256(parts.encode()).hexdigest()
