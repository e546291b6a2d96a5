"""What every page must keep to, checked on its HTML."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "circle", "rect", "use", "source"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.labels: set[str] = set()
        self.inputs: list[str] = []
        self._open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in given:
            if name == "style" or name.startswith("on"):
                self.complaints.append(f"<{tag} {name}=…> on line {self.getpos()[0]}")
        if tag == "style" or (tag == "script" and "src" not in given):
            self.complaints.append(f"inline <{tag}> on line {self.getpos()[0]}")
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag == "label" and given.get("for"):
            self.labels.add(str(given["for"]))
        if tag == "input" and given.get("type") not in ("hidden", "submit"):
            self.inputs.append(str(given.get("id")))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.complaints.append(f"</{tag}> closes something else on line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(html: str) -> _Page:
    """Parse a page and fail on what no page may have: inline styles and scripts, event
    attributes, unbalanced tags, an id used twice, headings that skip, unlabelled inputs."""
    page = _Page()
    page.feed(html)
    page.close()
    assert page.complaints == []
    assert page._open == []
    assert sorted(page.ids) == sorted(set(page.ids))
    assert page.headings.count(1) == 1
    skips = [b for a, b in zip(page.headings, page.headings[1:], strict=False) if b > a + 1]
    assert skips == [], f"headings skip: {page.headings}"
    assert set(page.inputs) <= page.labels
    return page


def text_of(html: str) -> str:
    """The text of a page, checked, with runs of white space as one space."""
    return " ".join("".join(read_page(html).text).split())
