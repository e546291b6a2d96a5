"""Markdown becomes the components of the design, and nothing that a strict policy blocks."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpath.catalog.markdown_scan import diagram_name
from backpath.catalog.rendering import Renderer, TocEntry, render_key, sanitise

FORBIDDEN_TAGS = {
    "script", "style", "iframe", "object", "embed", "form", "link", "meta", "base", "math",
    "template", "video", "audio", "foreignobject", "button", "textarea", "select",
}  # fmt: skip


class Inspector(HTMLParser):
    """What a browser would find in a piece of HTML that could act or style itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.offences: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.offences.append(tag)
        for name, value in attrs:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in {"style", "srcdoc", "formaction", "srcset"}:
                self.offences.append(f"{tag} {name}")
            allowed = ("#", "/", "http://", "https://", "mailto:")
            if name in {"href", "src"} and (
                not target.startswith(allowed) or target.startswith(("//", "/\\"))
            ):
                self.offences.append(f"{tag} {name}={value}")


def render(text: str, **images: tuple[str, int, int]) -> str:
    return (
        Renderer({name.replace("__", "."): found for name, found in images.items()})
        .render(text)
        .html
    )


def test_headings_get_ids_anchors_and_a_table_of_contents() -> None:
    rendered = Renderer().render(
        "## PATCH *changes* part {#patch}\n\n### Why `null`?\n\n#### Deep\n"
    )
    assert rendered.html == (
        '<h2 id="patch"><a aria-label="Link to this section" class="anchor" href="#patch">#</a>'
        "PATCH <em>changes</em> part</h2>\n"
        '<h3 id="why-null"><a aria-label="Link to this section" class="anchor" href="#why-null">'
        "#</a>Why <code>null</code>?</h3>\n"
        '<h4 id="deep">Deep</h4>'
    )
    assert rendered.toc == (
        TocEntry("patch", "PATCH changes part", 2),
        TocEntry("why-null", "Why null?", 3),
    )


def test_code_becomes_a_figure_with_title_language_and_marked_lines() -> None:
    html = render('```python run title="a<b.py" hl_lines="2"\nx = 1\nif x < 2:\n    pass\n```\n')
    assert html == (
        '<figure class="code"><header><span>a&lt;b.py</span><span class="lang">Python</span>'
        '</header><pre tabindex="0"><code>x = <span class="mi">1</span>\n'
        '<span class="hl"><span class="k">if</span> x &lt; <span class="mi">2</span>:\n</span>'
        '    <span class="k">pass</span></code></pre></figure>'
    )


def test_output_and_expected_errors_are_labelled() -> None:
    html = render("```python expect-error\n1/0\n```\n\n```output\nTraceback <x>\n```\n")
    assert '<span class="tag lamp">Ends in an error</span>' in html
    assert (
        '<figure class="code output"><header><span>Output</span></header>'
        '<pre tabindex="0"><code>Traceback &lt;x&gt;</code></pre></figure>'
    ) in html


def test_fence_inside_a_list_stays_in_its_step() -> None:
    html = render("1. One\n\n    ```json illustration\n    {}\n    ```\n\n2. Two\n")
    assert re.search(r"<li>\s*<p>One</p>\s*<figure.*?</figure>\s*</li>\s*<li>", html, re.DOTALL)
    assert html.count("<ol>") == 1


def test_notes_have_a_kind_and_a_heading_line() -> None:
    assert render("/// warn | Mind `this`\nText.\n///\n") == (
        '<aside class="note warn">\n<p class="h">Mind <code>this</code></p>\n<p>Text.</p>\n</aside>'
    )
    assert '<aside class="note">\n<p class="h">Note</p>' in render("/// note\nText.\n///\n")


def test_details_fold_and_hold_code() -> None:
    html = render("/// details | One solution\n```python run\nx = 1\n```\n///\n")
    assert html.startswith(
        '<details class="fold">\n<summary><svg class="i chev" aria-hidden="true">'
    )
    assert "One solution</summary>" in html
    assert '<div class="foldbody">\n<figure class="code">' in html


TABS = [("Flask", "one"), ("FastAPI", "two"), ("Other", "three")]


def test_tabs_are_radio_buttons_that_need_no_script() -> None:
    tabs = [f"/// tab | {title}\n{body}\n///\n" for title, body in TABS]
    text = "\n".join([*tabs[:2], "Between.\n", tabs[2]])
    html = render(text)
    assert html.count('role="group"') == 2
    assert re.findall(r'<input[^>]*id="([^"]+)"[^>]*name="([^"]+)"', html) == [
        ("tabs-1-1", "tabs-1"),
        ("tabs-1-2", "tabs-1"),
        ("tabs-2-1", "tabs-2"),
    ]
    assert re.findall(r'<label for="([^"]+)">([^<]+)</label>', html) == [
        ("tabs-1-1", "Flask"),
        ("tabs-1-2", "FastAPI"),
        ("tabs-2-1", "Other"),
    ]
    assert html.count('checked=""') == 2
    assert 'aria-label="Flask, FastAPI"' in html
    # The style sheet shows the panel whose place is that of the checked button.
    first = html[: html.index("Between")]
    assert first.index("<input") < first.index("tabbed-labels") < first.index("tabbed-content")
    assert [p.strip() for p in re.findall(r'"tabbed-block">\s*<p>(\w+)</p>', html)] == [
        "one", "two", "three",
    ]  # fmt: skip


def test_tables_scroll_by_themselves_and_can_be_focused() -> None:
    html = render("| A | B |\n|---|--:|\n| 1 | 2 |\n")
    assert html.startswith(
        '<div aria-label="Table: A, B" class="scroll" role="region" tabindex="0">'
        '<table class="tbl">'
    )
    assert '<th scope="col">A</th>\n<th class="r" scope="col">B</th>' in html
    assert '<td class="r">2</td>' in html


def test_table_with_an_empty_corner_compares_rows() -> None:
    html = render("| | PUT | PATCH |\n|---|---|---|\n| Sent twice | same | depends |\n")
    assert '<table class="tbl cmp">' in html
    assert '<th scope="row">Sent twice</th>' in html
    assert "<td></td>\n" in html


def test_links_outside_say_so_and_links_inside_do_not() -> None:
    html = render("[out](https://example.org/) [in](/lessons/a/#b) <https://example.com/>")
    assert '<a href="https://example.org/" rel="external noopener">out</a>' in html
    assert '<a href="/lessons/a/#b">in</a>' in html
    assert '<a href="https://example.com/" rel="external noopener">' in html


def test_footnotes_and_abbreviations() -> None:
    html = render('A REST API[^1].\n\n[^1]: Says a note.\n\n*[REST]: "State" transfer\n')
    assert '<abbr title="&quot;State&quot; transfer">REST</abbr>' in html
    assert 'class="footnote-ref"' in html
    assert 'class="footnote-backref"' in html


def test_quotation_marks_are_those_of_print_but_not_in_code() -> None:
    assert render('He said "yes", `x = "y"`, don\'t.') == (
        '<p>He said “yes”, <code>x = "y"</code>, don’t.</p>'
    )


def test_diagram_shows_both_drawings_and_its_text() -> None:
    text = "flowchart TD\n  a --> b"
    name = diagram_name(text)
    images = {
        f"diagrams/{name}-light.svg": ("/content/l.svg", 40, 20),
        f"diagrams/{name}-dark.svg": ("/content/d.svg", 40, 20),
    }
    html = Renderer(images).render(f'```mermaid alt="From <a> to b."\n{text}\n```\n').html
    assert html.startswith('<figure class="diagram"><img ')
    assert [re.findall(r'class="(\w+)"', tag) for tag in re.findall("<img[^>]+>", html)] == [
        ["light"],
        ["dark"],
    ]
    assert html.count('alt="Diagram, described below"') == 2
    assert html.count('width="40"') == 2
    assert "<figcaption>From &lt;a&gt; to b.</figcaption>" in html
    assert "flowchart" not in html


def test_images_are_those_beside_the_text() -> None:
    html = render(
        "![A b](a__png) ![Gone](b.png)".replace("__", "."), a__png=("/content/x.png", 3, 4)
    )
    assert 'src="/content/x.png"' in html
    assert 'width="3"' in html
    assert "b.png" not in html


HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "text <img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{background:url(//evil.example)}</style>",
    "<p style='position:fixed'>x</p>",
    "<math><mtext></table><mglyph><style><img src onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x73;cript:alert(1))",
    "[x]( javascript:alert(1) )",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/track.png)",
    '![x](a.png" onerror="alert(1))',
    '[x](https://e.org" onclick="alert(1))',
    '[x](https://e.org "t\\" onclick=\\"alert(1)")',
    "<javascript:alert(1)>",
    "[x](//evil.example/)",
    "[x](/\\evil.example/)",
    "\t```python\n<script>\n\t```\n",
    "<a href='#' onclick='alert(1)'>x</a>",
    "## <img src=x onerror=alert(1)> {#a\"onclick=\"b}",
    '## x {#a onclick=alert(1)}',
    "## x {: onclick=alert(1) style=color:red }",
    "| <script>a</script> | b |\n|---|---|\n| <img onerror=x> | c |",
    "/// note | <script>alert(1)</script>\nx\n///",
    "/// note\n    attrs: {onclick: alert(1), style: 'color:red', class: x}\n\nx\n///",
    "/// details | <img src=x onerror=alert(1)>\nx\n///",
    '/// tab | "><script>alert(1)</script>\nx\n///',
    '```python run title="<script>alert(1)</script>"\n</code></pre><script>alert(1)</script>\n```',
    "```python\" onclick=\"alert(1)\nx\n```",
    "```html illustration\n<script>alert(1)</script>\n```",
    '```mermaid alt="<script>alert(1)</script>"\nclick a call x()\n```',
    "*[x]: \"><script>alert(1)</script>\n\nx x",
    "[^1]: <script>alert(1)</script>\n\nx[^1]",
    "`<script>`\x02wzxhzdk:0\x03",
    "\x02amp\x03lt;script",
    "&lt;script&gt; &#60;script&#62; &#x3C;img src=x onerror=alert(1)&#x3E;",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php <script>alert(1)</script> ?>",
    "<details open ontoggle=alert(1)>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button>x</button></form>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_cannot_act(text: str) -> None:
    for html in (Renderer().render(text).html, Renderer().render_inline(text)):
        assert Inspector(html).offences == []


@pytest.mark.parametrize("text", HOSTILE)
def test_sanitising_alone_stops_raw_html(text: str) -> None:
    assert Inspector(sanitise(text)).offences == []


def test_raw_html_is_shown_as_text() -> None:
    assert render("Press <kbd>a</kbd> & <b>.") == (
        "<p>Press &lt;kbd&gt;a&lt;/kbd&gt; &amp; &lt;b&gt;.</p>"
    )


_PIECES = st.sampled_from(
    ["<", ">", '"', "'", "`", "```\n", "[", "](", ")", "!", "#", "{#", "}", "|", "\n", "\n\n",
     "///", "/// tab | ", "javascript:", "onclick=", "style=", "<script>", "<img src=x ", "*", "_",
     "&#60;", "&lt;", "[^1]", "*[a]: ", "    ", "1. ", "a", "\x02", "\x03", "~~~", "- "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_nothing_that_is_written_can_act(text: str) -> None:
    assert Inspector(Renderer().render(text).html).offences == []


def test_rendering_twice_gives_the_same() -> None:
    text = "A[^1] REST\n\n[^1]: b\n\n*[REST]: c\n\n/// tab | x\ny\n///\n"
    renderer = Renderer()
    first = renderer.render(text).html
    renderer.render("## Something else\n\n/// tab | z\nq\n///\n")
    assert renderer.render(text).html == first


def test_inline_text_has_no_paragraph() -> None:
    assert Renderer().render_inline("`PUT` or *PATCH*") == "<code>PUT</code> or <em>PATCH</em>"


def test_render_key_depends_on_text_and_pictures() -> None:
    images = {"a.png": ("/content/a.png", 1, 2)}
    keys = {render_key("a", {}), render_key("b", {}), render_key("a", images)}
    assert len(keys) == 3
    assert render_key("a", images) == render_key("a", dict(images))
