"""Fences as HTML: figures of highlighted code, and diagrams."""

import re
from collections.abc import Callable
from html import escape
from typing import Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from backpath.catalog.markdown_scan import Fence, highlighted_lines

ImageSource = Callable[[str], "tuple[str, int, int] | None"]
"""Takes a target as written (`shot.png`, `diagrams/<name>.svg`); gives the address to load it
from and its width and height in pixels (0, 0 when not known), or None when there is no such
image."""

# Names, punctuation, operators and spaces have no colour of their own: no span either.
_PLAIN_TOKEN = re.compile(r'<span class="(?:n|p|w|o|go)">([^<]*)</span>')
_LANGUAGE_NAMES: Final = {
    "bash": "Shell",
    "console": "Terminal",
    "http": "HTTP",
    "json": "JSON",
    "pycon": "Python session",
    "python": "Python",
    "text": "Text",
    "toml": "TOML",
    "yaml": "YAML",
}


def fence_html(fence: Fence, image_source: ImageSource) -> str:
    """The HTML of one fence; everything that the author wrote is escaped."""
    return diagram_html(fence, image_source) if fence.is_diagram else code_html(fence)


def code_html(fence: Fence) -> str:
    """A `figure.code` with title, language, and the code in spans by kind of token."""
    try:
        lexer = get_lexer_by_name(fence.language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False, ensurenl=False)
    is_output = fence.language == "output"
    title = fence.title or ("Output" if is_output else "")
    parts = [f"<span>{escape(title)}</span>"] if title else []
    if not is_output:
        name = _LANGUAGE_NAMES.get(fence.language, lexer.name)
        parts.append(f'<span class="lang">{escape(name)}</span>')
    if fence.tag == "expect-error":
        parts.append('<span class="tag lamp">Ends in an error</span>')
    code = highlight(fence.text, lexer, _formatter(fence)).rstrip("\n")
    code = _PLAIN_TOKEN.sub(r"\1", code)
    # Pygments has its own name for a marked line.
    code = code.replace('<span class="hll">', '<span class="hl">')
    return (
        f'<figure class="code{" output" if is_output else ""}">'
        f"<header>{''.join(parts)}</header>"
        f'<pre tabindex="0"><code>{code}</code></pre></figure>'
    )


def _formatter(fence: Fence) -> "HtmlFormatter[str]":
    try:
        marked = list(highlighted_lines(fence.options.get("hl_lines", "")))
    except ValueError:
        marked = []
    return HtmlFormatter(nowrap=True, hl_lines=marked)


def diagram_html(fence: Fence, image_source: ImageSource) -> str:
    """A figure with the drawing for light and for dark pages, and its text for everybody."""
    text = escape(fence.options.get("alt", ""))
    images = []
    for scheme in ("light", "dark"):
        found = image_source(f"diagrams/{fence.diagram_name}-{scheme}.svg")
        if found:
            address, width, height = found
            size = f' width="{width}" height="{height}"' if width and height else ""
            images.append(
                f'<img class="{scheme}" src="{escape(address)}" '
                f'alt="Diagram, described below"{size} loading="lazy">'
            )
    return f'<figure class="diagram">{"".join(images)}<figcaption>{text}</figcaption></figure>'
