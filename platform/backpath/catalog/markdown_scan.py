"""The structure of a Markdown file with its lines: headings, fences, links, images, blocks.

Rendering works on whole blocks and has lost the lines by then; reporting needs them. So the
file is read once line by line here, and the renderer takes its fences from this reading:
what is checked is what is shown.
"""

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

FenceTag = Literal["run", "expect-error", "illustration"]

FENCE_TAGS: Final[tuple[str, ...]] = ("run", "expect-error", "illustration")
MAX_TABS: Final = 5
BLOCK_KINDS: Final[tuple[str, ...]] = ("note", "warn", "bad", "good", "tab", "details")
FENCE_OPTIONS: Final[tuple[str, ...]] = ("title", "hl_lines", "alt")

_FENCE_OPEN = re.compile(r"^(?P<indent>[ ]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_INFO_WORD = re.compile(r'[ \t]*(?:(?P<key>[A-Za-z][\w-]*)="(?P<value>[^"]*)"|(?P<word>[^\s"]+))')
_HEADING = re.compile(r"^(?P<marks>#{1,6})[ \t]*(?P<text>\S.*?)[ \t]*#*[ \t]*$")
_HEADING_ID = re.compile(r"[ \t]*\{\s*#(?P<id>[^\s{}]*)\s*\}$")
_SETEXT = re.compile(r"^(=+|-+)[ \t]*$")
_BLOCK_OPEN = re.compile(r"^(?P<marks>/{3,})[ \t]*(?P<kind>[\w-]+)[ \t]*(?:\|(?P<title>.*))?$")
_BLOCK_CLOSE = re.compile(r"^(?P<marks>/{3,})[ \t]*$")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\(\s*<?(?P<target>[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?\s*(?:\"[^\"]*\"\s*)?\)"
)
_REFERENCE = re.compile(
    r"^[ ]{0,3}\[(?P<label>[^\^\]\n][^\]\n]*)\]:[ \t]*<?(?P<target>[^\s>]+)>?.*$", re.MULTILINE
)
_AUTOLINK = re.compile(r"<[a-z][a-z0-9+.-]*:[^\s<>]*>", re.IGNORECASE)
_RAW_HTML = re.compile(r"<(?P<tag>/?[A-Za-z][\w-]*)(?:\s[^<>]*)?/?>|<!--")
_WORD = re.compile(r"[^\W_](?:[\w'’.-]*[^\W_])?")


@dataclass(frozen=True)
class Fence:
    """A fenced code block from `line` to `end_line`; `text` has no last line break."""

    line: int
    end_line: int
    language: str
    text: str
    words: tuple[str, ...]
    options: dict[str, str]
    unreadable: str = ""
    closed: bool = True

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if word in FENCE_TAGS)

    @property
    def tag(self) -> str:
        return self.tags[0] if self.tags else ""

    @property
    def title(self) -> str:
        return self.options.get("title", "")

    @property
    def is_diagram(self) -> bool:
        return self.language == "mermaid"

    @property
    def diagram_name(self) -> str:
        """The first part of the file names of a diagram: 12 hex digits of its text's hash."""
        return diagram_name(self.text)


@dataclass(frozen=True)
class Heading:
    line: int
    level: int
    text: str
    id: str
    in_block: bool = False


@dataclass(frozen=True)
class Link:
    """`target` as written. For an image, `text` is its alternative text."""

    line: int
    text: str
    target: str
    is_image: bool = False


@dataclass(frozen=True)
class Finding:
    """Something about the text that is wrong whatever it says."""

    line: int
    message: str
    remedy: str


@dataclass
class MarkdownScan:
    headings: list[Heading] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    word_count: int = 0

    @property
    def heading_ids(self) -> set[str]:
        return {heading.id for heading in self.headings}

    @property
    def diagrams(self) -> list[Fence]:
        return [fence for fence in self.fences if fence.is_diagram]


def diagram_name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def slugify_heading(text: str) -> str:
    """The id of a heading without an explicit one: its letters and digits, joined by `-`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.replace("'", "").lower()))


def split_heading(source: str) -> tuple[str, str]:
    """The Markdown of a heading without its `{#id}`, and its id, explicit or made."""
    explicit = _HEADING_ID.search(source)
    text = source[: explicit.start()] if explicit else source
    return text, explicit["id"] if explicit else slugify_heading(plain_text(text))


def plain_text(markdown: str) -> str:
    """Inline Markdown without its marks, for headings and tables of contents."""
    text = _LINK.sub(lambda match: match["text"], markdown)
    text = _CODE_SPAN.sub(lambda match: match[2].strip(), text)
    text = re.sub(r"(\*{1,3}|(?<!\w)_{1,3})(\S.*?)\1", r"\2", text)
    return html.unescape(text).strip()


class _Scanner:
    def __init__(self, text: str, first_line: int) -> None:
        self.lines = normalise(text).split("\n")
        self.first_line = first_line
        self.scan = MarkdownScan()
        self.blocks: list[tuple[int, int, str]] = []  # slashes, line, kind
        self.tabs: dict[int, int] = {}  # depth -> tabs of the set that is open there
        self.paragraph: list[str] = []
        self.paragraph_line = first_line

    def run(self) -> MarkdownScan:
        index = 0
        while index < len(self.lines):
            line = self.lines[index]
            opening = _FENCE_OPEN.match(line)
            if opening:
                self.end_paragraph()
                self.tabs[len(self.blocks)] = 0
                index = self.fence(index, opening)
                continue
            self.text_line(index + self.first_line, line)
            index += 1
        self.end_paragraph()
        for _, line_number, kind in self.blocks:
            self.find(line_number, f"The block `/// {kind}` is not closed.", "End it with `///`.")
        return self.scan

    def find(self, line: int, message: str, remedy: str) -> None:
        self.scan.findings.append(Finding(line, message, remedy))

    def fence(self, index: int, opening: re.Match[str]) -> int:
        """Read the fence that opens at `index`; return the index after it."""
        indent, marks = len(opening["indent"]), opening["marks"]
        body: list[str] = []
        end = index + 1
        closed = False
        while end < len(self.lines):
            line = self.lines[end]
            end += 1
            stripped = line.strip()
            if len(stripped) >= len(marks) and set(stripped) == {marks[0]}:
                closed = True
                break
            body.append(line[indent:] if not line[:indent].strip() else line.lstrip())
        line_number = index + self.first_line
        lines = (line_number, end + self.first_line - 1)
        fence = parse_fence(lines, opening["info"], "\n".join(body), closed=closed)
        self.scan.fences.append(fence)
        if not closed:
            self.find(line_number, "The code fence is not closed.", f"End it with `{marks}`.")
        return end

    def text_line(self, number: int, line: str) -> None:
        if not line.strip():
            self.end_paragraph()
            return
        if self.block_line(number, line) or self.heading_line(number, line):
            return
        above = self.paragraph[-1] if self.paragraph else ""
        if _SETEXT.match(line) and above and not above.startswith((" ", "\t", "|")):
            self.find(
                number,
                "A line of = or - under a text makes it a heading.",
                "Write headings as `## Title`, and leave a blank line above `---`.",
            )
            return
        self.tabs[len(self.blocks)] = 0
        if not self.paragraph:
            self.paragraph_line = number
        self.paragraph.append(line)

    def end_paragraph(self) -> None:
        """Read what links, code spans and emphasis may span: whole paragraphs."""
        if self.paragraph:
            prose = self.spans(self.paragraph_line, "\n".join(self.paragraph))
            self.scan.word_count += len(_WORD.findall(prose))
            self.paragraph = []

    def block_line(self, number: int, line: str) -> bool:
        if not line.startswith("///"):
            return False
        self.end_paragraph()
        if closing := _BLOCK_CLOSE.match(line):
            if self.blocks and self.blocks[-1][0] == len(closing["marks"]):
                self.blocks.pop()
            else:
                self.find(number, "This `///` closes no open block.", "Remove it.")
            return True
        opening = _BLOCK_OPEN.match(line)
        if not opening:
            return False
        kind = opening["kind"]
        if kind not in BLOCK_KINDS:
            known = ", ".join(BLOCK_KINDS)
            self.find(number, f"There is no block `{kind}`.", f"Use one of: {known}.")
        if kind in {"tab", "details"} and not (opening["title"] or "").strip():
            self.find(number, f"The block `{kind}` has no title.", f"Write `/// {kind} | Title`.")
        self.count_tabs(number, kind)
        slashes = len(opening["marks"])
        if self.blocks and self.blocks[-1][0] <= slashes:
            outer = "/" * (slashes + 1)
            remedy = f"Close the outer one, or open it with more slashes: `{outer}`."
            self.find(number, "A block opens inside a block of as many slashes.", remedy)
        self.blocks.append((slashes, number, kind))
        self.scan.word_count += len(_WORD.findall(opening["title"] or ""))
        return True

    def count_tabs(self, number: int, kind: str) -> None:
        depth = len(self.blocks)
        self.tabs = {level: count for level, count in self.tabs.items() if level <= depth}
        self.tabs[depth] = self.tabs.get(depth, 0) + 1 if kind == "tab" else 0
        if self.tabs[depth] == MAX_TABS + 1:
            message = f"The set has more than {MAX_TABS} tabs."
            self.find(number, message, "Leave some out, or write sections.")

    def heading_line(self, number: int, line: str) -> bool:
        match = _HEADING.match(line)
        if not match:
            return False
        self.end_paragraph()
        text, identifier = split_heading(match["text"])
        self.spans(number, text)
        plain = plain_text(text)
        level = len(match["marks"])
        in_block = bool(self.blocks)
        self.scan.headings.append(Heading(number, level, plain, identifier, in_block))
        self.scan.word_count += len(_WORD.findall(plain))
        return True

    def spans(self, number: int, chunk: str) -> str:
        """Collect links, images and raw HTML of a piece of text; return its prose."""
        text = _CODE_SPAN.sub(lambda match: re.sub(r"[^\n]", "\u00b7", match[0]), chunk)
        for match in _REFERENCE.finditer(text):
            line = number + text.count("\n", 0, match.start("label"))
            self.scan.links.append(Link(line, match["label"], match["target"]))
        for match in _LINK.finditer(text):
            self.link(number + text.count("\n", 0, match.start()), match, chunk)
        for match in _AUTOLINK.finditer(text):
            line = number + text.count("\n", 0, match.start())
            self.scan.links.append(Link(line, match[0][1:-1], match[0][1:-1]))
        without_links = _AUTOLINK.sub(lambda match: " " * len(match[0]), text)
        for match in _RAW_HTML.finditer(without_links):
            self.find(
                number + text.count("\n", 0, match.start()),
                f"Raw HTML (`{match[0][:40]}`) is shown as text, not used.",
                "Use Markdown, or put it in backticks if it is meant as code.",
            )
        words = _CODE_SPAN.sub(lambda match: match[2], _REFERENCE.sub("", chunk))
        return _LINK.sub(lambda match: match["text"], words)

    def link(self, line: int, match: re.Match[str], chunk: str) -> None:
        text = " ".join(chunk[match.start("text") : match.end("text")].split())
        self.scan.links.append(Link(line, text, match["target"], bool(match["image"])))
        if not match["image"] and (inner := _LINK.search(match["text"])):
            self.link(line, inner, match["text"])


def parse_fence(lines: tuple[int, int], info: str, text: str, *, closed: bool = True) -> Fence:
    """The fence on `lines` (first, last) whose opening says `info`: a language, words and
    `key="value"` options.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    unreadable = ""
    position = 0
    info = info.strip()
    while position < len(info):
        match = _INFO_WORD.match(info, position)
        if not match:
            unreadable = info[position:].strip()
            break
        if match["key"]:
            options[match["key"]] = match["value"]
        else:
            words.append(match["word"])
        position = match.end()
    language = words.pop(0) if words else ""
    return Fence(*lines, language, text, tuple(words), options, unreadable, closed)


def normalise(text: str) -> str:
    """`text` as Python-Markdown will see it: tabs as spaces, without the marks it uses itself."""
    return text.replace("\x02", "").replace("\x03", "").expandtabs(4)


def scan_markdown(text: str, *, first_line: int = 1) -> MarkdownScan:
    """Read `text`, whose first line is line `first_line` of its file."""
    return _Scanner(text, first_line).run()


def highlighted_lines(value: str) -> Iterator[int]:
    """The numbers in an `hl_lines` option: `2 5-7` gives 2, 5, 6, 7.

    Raises ValueError for anything else, and for ranges of more than 200 lines.
    """
    for part in value.split():
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        start = int(match[1]) if match else 0
        end = int(match[2] or match[1]) if match else 0
        if start < 1 or end < start or end - start > 200:
            raise ValueError(f"{part!r} is no line and no range of lines")
        yield from range(start, end + 1)
