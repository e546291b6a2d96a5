"""`./dev diagrams`: draw the mermaid fences of lessons and specifications as SVG files.

Diagrams are drawn when content is written, not when it is read: learners load two small
images instead of five megabytes of script. Each fence gives
`diagrams/<first 12 of its hash>-light.svg` and `-dark.svg` beside its text. The files hold
shapes and text only, so the same fence gives the same bytes and a strict content security
policy has nothing to block.

Needs Chromium, and mermaid from the npm registry: a pinned version, checked by hash and
kept in a cache folder. Maintainers and authors run this; the site does not need it.
"""

import base64
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from backpath.catalog.markdown_scan import Fence, scan_markdown
from backpath.catalog.svg import svg_problem
from backpath.core.errors import AuthorError, InfrastructureError

if TYPE_CHECKING:
    from playwright.sync_api import Page

MERMAID_VERSION: Final = "12.3.0"
MERMAID_SHA256: Final = "336df803d87a38b70a01e736e666c8f7601d2ce42f5e47c8fafe5d721074b9a3"
SCHEMES: Final = ("light", "dark")
_ROOT: Final = Path(__file__).resolve().parents[3]
_STATIC: Final = _ROOT / "platform" / "static"
_TOKEN = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
_DIAGRAM_FILE = re.compile(r"^[0-9a-f]{12}-(light|dark)\.svg$")
_FONT_FAMILY: Final = '"Hanken Grotesk", system-ui, -apple-system, "Segoe UI", sans-serif'


class DiagramRefused(AuthorError):
    """A fence holds no diagram that can be drawn."""

    code = "diagram-refused"


class DiagramToolMissing(InfrastructureError):
    """Chromium, npm or playwright is not there."""

    code = "diagram-tool-missing"


def read_palette(scheme: str) -> dict[str, str]:
    """The colours of one scheme, by token name, from the site's own style sheet."""
    css = (_STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    index = SCHEMES.index(scheme) + 2
    return {match[1]: match[index] for match in _TOKEN.finditer(css)}


def mermaid_options(palette: dict[str, str]) -> dict[str, Any]:
    """Mermaid's configuration: no HTML in labels, ids that do not change, our colours."""
    ink, line, wash = palette["ink"], palette["ink-3"], palette["enamel-wash"]
    sheet, well, edge = palette["sheet"], palette["well"], palette["edge"]
    lamp_wash, lamp = palette["lamp-wash"], palette["lamp-fill"]
    return {
        "startOnLoad": False,
        "securityLevel": "strict",
        "htmlLabels": False,
        "flowchart": {"htmlLabels": False, "useMaxWidth": False, "minNodeWidth": 64},
        "sequence": {"useMaxWidth": False, "mirrorActors": False},
        "deterministicIds": True,
        "deterministicIDSeed": "backpath",
        "svgFontFamily": _FONT_FAMILY.replace('"', "'"),
        "fontFamily": _FONT_FAMILY,
        "theme": "base",
        "look": "classic",
        "themeCSS": ".edgeLabel rect { opacity: 1; } .actor { stroke-width: 1px; }",
        "themeVariables": {
            "fontFamily": _FONT_FAMILY,
            "fontSize": "16px",
            "background": palette["paper"],
            "primaryColor": wash,
            "primaryTextColor": ink,
            "primaryBorderColor": palette["enamel"],
            "secondaryColor": lamp_wash,
            "secondaryTextColor": ink,
            "secondaryBorderColor": lamp,
            "tertiaryColor": well,
            "tertiaryTextColor": ink,
            "tertiaryBorderColor": edge,
            "lineColor": line,
            "textColor": ink,
            "mainBkg": wash,
            "nodeBorder": palette["enamel"],
            "nodeTextColor": ink,
            "titleColor": ink,
            "edgeLabelBackground": palette["paper"],
            "clusterBkg": well,
            "clusterBorder": edge,
            "actorBkg": wash,
            "actorBorder": palette["enamel"],
            "actorTextColor": ink,
            "actorLineColor": edge,
            "signalColor": line,
            "signalTextColor": ink,
            "labelBoxBkgColor": sheet,
            "labelBoxBorderColor": edge,
            "labelTextColor": ink,
            "loopTextColor": ink,
            "noteBkgColor": lamp_wash,
            "noteTextColor": ink,
            "noteBorderColor": lamp,
            "activationBkgColor": lamp_wash,
            "activationBorderColor": lamp,
            "sequenceNumberColor": palette["paper"],
        },
    }


def fetch_mermaid(cache: Path) -> Path:
    """The pinned mermaid script, downloaded by npm at the first call.

    Raises DiagramToolMissing when npm is absent, the registry does not answer, or the
    script is not the expected one.
    """
    script = cache / f"mermaid-{MERMAID_VERSION}.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise DiagramToolMissing("npm is not installed. Install it: apt-get install npm")
        cache.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "pack", f"mermaid@{MERMAID_VERSION}", "--pack-destination", str(cache)],
            cwd=cache,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        archive = cache / f"mermaid-{MERMAID_VERSION}.tgz"
        if done.returncode or not archive.is_file():
            raise DiagramToolMissing(
                f"npm could not fetch mermaid {MERMAID_VERSION}: {done.stderr.strip()[-300:]}"
            )
        with tarfile.open(archive) as tar:
            member = tar.extractfile("package/dist/mermaid.min.js")
            if member is None:
                raise DiagramToolMissing("The package of mermaid does not hold its script.")
            script.write_bytes(member.read())
        archive.unlink()
    if hashlib.sha256(script.read_bytes()).hexdigest() != MERMAID_SHA256:
        script.unlink()
        raise DiagramToolMissing("The script of mermaid is not the expected one; it was removed.")
    return script


@contextlib.contextmanager
def drawing_page(script: Path) -> Iterator["Page"]:
    """A blank page without network, with mermaid and the site's typeface loaded."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  not a runtime package
    except ImportError as error:
        message = "playwright is not installed. Install requirements/dev.txt."
        raise DiagramToolMissing(message) from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        message = "Chromium is not installed. Install it: apt-get install chromium"
        raise DiagramToolMissing(message)
    font = base64.b64encode((_STATIC / "fonts" / "hanken-grotesk.woff2").read_bytes()).decode()
    source = f"url(data:font/woff2;base64,{font})"
    face = f'@font-face{{font-family:"Hanken Grotesk";font-weight:400 650;src:{source}}}'
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, chromium_sandbox=os.geteuid() != 0
        )
        try:
            context = browser.new_context(offline=True)
            page = context.new_page()
            page.set_content(
                f"<!doctype html><meta charset=utf-8><style>{face}</style>"
                '<body><p style="font-family:Hanken Grotesk">.</p><div id="holder"></div>'
            )
            page.add_script_tag(path=str(script))
            page.add_script_tag(path=str(Path(__file__).with_name("diagrams.js")))
            page.evaluate("document.fonts.load('16px \"Hanken Grotesk\"')")
            yield page
        finally:
            browser.close()


def draw(page: "Page", text: str, scheme: str) -> bytes:
    """The SVG of the diagram `text`. Raises DiagramRefused when mermaid cannot draw it."""
    from playwright.sync_api import Error  # noqa: PLC0415  not a runtime package

    try:
        svg: str = page.evaluate(
            "([text, options]) => drawDiagram(text, options)",
            [text, mermaid_options(read_palette(scheme))],
        )
    except Error as error:
        reason = str(error.message).removeprefix("Page.evaluate: ").strip()
        raise DiagramRefused("\n".join(reason.splitlines()[:6])) from error
    data = svg.encode()
    if problem := svg_problem(data):
        raise DiagramRefused(f"The drawing cannot be used: {problem}.")
    return data


def markdown_files(roots: list[Path]) -> Iterator[Path]:
    """`lesson.md` and `spec.md` below `roots`, sorted."""
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from sorted(
                path
                for path in root.rglob("*.md")
                if path.name in {"lesson.md", "spec.md"} and not path.is_symlink()
            )


def remove_leftovers(directory: Path, fences: list[Fence]) -> list[Path]:
    """Remove drawings that belong to no fence any more; return them."""
    wanted = {f"{fence.diagram_name}-{scheme}.svg" for fence in fences for scheme in SCHEMES}
    removed = []
    for path in sorted(directory.glob("*.svg")):
        if _DIAGRAM_FILE.match(path.name) and path.name not in wanted:
            path.unlink()
            removed.append(path)
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    return removed


def render_diagrams(roots: list[Path], *, cache: Path, force: bool, console: Console) -> int:
    """Draw what is missing (with `force`, everything). Returns how many fences were refused."""
    refused = 0
    waiting: list[tuple[Path, Fence]] = []
    for path in markdown_files(roots):
        fences = scan_markdown(path.read_text(encoding="utf-8")).diagrams
        directory = path.parent / "diagrams"
        for leftover in remove_leftovers(directory, fences):
            console.print(f"removed  {leftover}", highlight=False)
        for fence in fences:
            files = [directory / f"{fence.diagram_name}-{scheme}.svg" for scheme in SCHEMES]
            if force or not all(file.is_file() for file in files):
                waiting.append((path, fence))
    if not waiting:
        console.print("Every diagram is drawn.")
        return 0
    with drawing_page(fetch_mermaid(cache)) as page:
        for path, fence in waiting:
            directory = path.parent / "diagrams"
            try:
                drawings = {scheme: draw(page, fence.text, scheme) for scheme in SCHEMES}
            except DiagramRefused as error:
                refused += 1
                console.print(
                    f"[red]refused[/]  {path}:{fence.line}", highlight=False, soft_wrap=True
                )
                console.print(error.message, markup=False, highlight=False)
                continue
            directory.mkdir(exist_ok=True)
            for scheme, data in drawings.items():
                (directory / f"{fence.diagram_name}-{scheme}.svg").write_bytes(data)
            console.print(f"drawn    {path}:{fence.line}", highlight=False, soft_wrap=True)
    return refused


def run(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; default: lessons, graders.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Draw again what is already drawn.")] = False,
) -> None:
    """Draw the diagrams of lessons and specifications as SVG files."""
    console = Console()
    roots = paths or [path for path in (_ROOT / "lessons", _ROOT / "graders") if path.is_dir()]
    for path in roots:
        if not path.exists():
            console.print(f"There is no {path}.", highlight=False)
            raise typer.Exit(2)
    try:
        refused = render_diagrams(
            roots, cache=_ROOT / ".cache" / "mermaid", force=force, console=console
        )
    except DiagramToolMissing as error:
        console.print(f"[red]{error.message}[/]", highlight=False)
        raise typer.Exit(2) from error
    raise typer.Exit(1 if refused else 0)


if __name__ == "__main__":
    typer.run(run)
    sys.exit(0)
