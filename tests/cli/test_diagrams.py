"""Diagrams: colours from the site's tokens, files that come and go with their fences."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from backpath.catalog.markdown_scan import diagram_name
from backpath.catalog.svg import svg_problem, svg_size
from backpath.cli import diagrams
from backpath.cli.diagrams import (
    DiagramRefused,
    DiagramToolMissing,
    draw,
    drawing_page,
    fetch_mermaid,
    markdown_files,
    mermaid_options,
    read_palette,
    remove_leftovers,
    render_diagrams,
)

REPOSITORY = Path(__file__).resolve().parents[2]
FENCE = '```mermaid alt="A."\nflowchart TD\n  a --> b\n```\n'
# Stands in for mermaid: draws what the real one draws for any text, with what must not stay.
STAND_IN = """
window.mermaid = {
  initialize: (options) => { window.options = options; },
  render: async (id, text) => {
    if (text.includes("broken")) throw new Error("Parse error on line 2");
    return {svg: `<svg id="${id}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100.4 50"
      width="100" height="50"><style>#${id} rect { fill: rgb(234, 240, 250); stroke: rgb(1, 2, 3);
      stroke-width: 2px; } text { font-size: 16px; }</style>
      <defs><marker id="used" markerWidth="8"><path d="M0 0L9.123456 9"/></marker>
      <marker id="unused"><path d="M0 0"/></marker></defs>
      <g onclick="alert(1)"><rect x="1.23456" y="2" width="30" height="20" class="node"/></g>
      <path d="M0,0L10,10" marker-end="url(#used)"/>
      <text x="5" y="9"><tspan x="5" dy="1em"><tspan>Two</tspan><tspan> words</tspan></tspan></text>
      <script>alert(1)<` + `/script><a href="https://example.org"><rect/></a></svg>`};
  },
};
"""


def test_colours_are_those_of_the_site() -> None:
    light, dark = read_palette("light"), read_palette("dark")
    assert light.keys() == dark.keys()
    assert light["paper"] != dark["paper"]
    options = mermaid_options(dark)
    assert options["themeVariables"]["primaryColor"] == dark["enamel-wash"]
    assert options["htmlLabels"] is options["flowchart"]["htmlLabels"] is False
    assert options["securityLevel"] == "strict"


def test_files_without_a_fence_are_removed_and_others_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "diagrams"
    directory.mkdir()
    for name in ("0123456789ab-light.svg", "hand-drawn.svg", "notes.txt"):
        (directory / name).write_text("x")
    assert [path.name for path in remove_leftovers(directory, [])] == ["0123456789ab-light.svg"]
    assert {path.name for path in directory.iterdir()} == {"hand-drawn.svg", "notes.txt"}


def test_empty_folder_goes_with_the_last_drawing(tmp_path: Path) -> None:
    directory = tmp_path / "diagrams"
    directory.mkdir()
    (directory / "0123456789ab-dark.svg").write_text("x")
    remove_leftovers(directory, [])
    assert not directory.exists()


def test_only_lessons_and_specifications_are_read(tmp_path: Path) -> None:
    for name in ("a/lesson.md", "b/spec.md", "c/README.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(FENCE)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/lesson.md").symlink_to("/etc/hostname")
    found = [path.relative_to(tmp_path).as_posix() for path in markdown_files([tmp_path])]
    assert found == ["a/lesson.md", "b/spec.md"]


def test_drawn_fences_need_no_browser(tmp_path: Path) -> None:
    (tmp_path / "diagrams").mkdir()
    (tmp_path / "lesson.md").write_text(FENCE)
    name = diagram_name("flowchart TD\n  a --> b")
    for scheme in ("light", "dark"):
        (tmp_path / f"diagrams/{name}-{scheme}.svg").write_text("x")
    with (console := Console()).capture() as capture:
        refused = render_diagrams(
            [tmp_path], cache=tmp_path / "no-cache", force=False, console=console
        )
    assert (refused, capture.get()) == (0, "Every diagram is drawn.\n")
    assert not (tmp_path / "no-cache").exists()


def test_script_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    script = tmp_path / f"mermaid-{diagrams.MERMAID_VERSION}.min.js"
    script.write_text("something else")
    with pytest.raises(DiagramToolMissing, match="not the expected one"):
        fetch_mermaid(tmp_path)
    assert not script.exists()


def test_missing_npm_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(DiagramToolMissing, match="apt-get install npm"):
        fetch_mermaid(tmp_path)


def test_every_committed_diagram_is_fit_to_be_served() -> None:
    found = sorted((REPOSITORY / "lessons").rglob("diagrams/*.svg"))
    assert found
    for path in found:
        data = path.read_bytes()
        assert svg_problem(data) is None, path
        assert svg_size(data) is not None, path


@pytest.mark.browser
def test_a_drawing_is_reduced_to_shapes_and_text(tmp_path: Path) -> None:
    script = tmp_path / "mermaid.js"
    script.write_text(STAND_IN)
    with drawing_page(script) as page:
        svg = draw(page, "flowchart TD", "light").decode()
        assert draw(page, "flowchart TD", "light").decode() == svg
        assert page.evaluate("options.theme") == "base"
        with pytest.raises(DiagramRefused, match="Parse error on line 2"):
            draw(page, "broken", "light")
    assert svg_problem(svg.encode()) is None
    assert 'viewBox="0 0 100 50"' in svg
    assert '<rect x="1.23" y="2" width="30" height="20" fill="#eaf0fa" stroke="#010203"' in svg
    assert "url(#m1)" in svg
    assert 'id="m1"' in svg
    assert svg.count("<marker") == 1
    assert 'lengthAdjust="spacingAndGlyphs">Two words</tspan>' in svg
    for gone in ("script", "onclick", "style", "class", "<a ", "unused"):
        assert gone not in svg
