"""Components of lessons in a real browser with scripts off: the style sheet does the work."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backpath.catalog.markdown_scan import diagram_name
from backpath.catalog.rendering import Renderer
from tests.browser.chromium import chromium

pytestmark = pytest.mark.browser
Show = Callable[..., Page]
STYLES = Path(__file__).resolve().parents[2] / "platform/static/css"
TABS = """
/// tab | Flask
In Flask, [a link](https://example.org/).
///

/// tab | FastAPI
In FastAPI.
///

/// tab | Django Ninja
In Ninja.
///
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark", offline=True)
    page = context.new_page()

    def open_page(text: str, **images: tuple[str, int, int]) -> Page:
        css = "".join(
            (STYLES / f"{name}.css").read_text()
            for name in ("tokens", "base", "components", "lesson", "catalog")
        )
        html = Renderer(images).render(text).html
        page.set_content(
            f'<style>{css}</style><main class="wrap"><div class="prose">{html}</div></main>'
        )
        return page

    yield open_page
    context.close()


def test_tabs_change_by_click_and_by_arrow_keys(show: Show) -> None:
    page = show(TABS)
    panels = page.locator(".tabbed-block")
    expect(panels.nth(0)).to_be_visible()
    expect(panels.nth(1)).to_be_hidden()

    page.get_by_text("Django Ninja").click()
    expect(panels.nth(2)).to_be_visible()
    expect(panels.nth(0)).to_be_hidden()

    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="FastAPI")).to_be_checked()
    expect(panels.nth(1)).to_be_visible()
    expect(panels.nth(2)).to_be_hidden()


def test_tabs_are_one_stop_of_the_tab_key_and_named(show: Show) -> None:
    page = show(TABS)
    expect(page.get_by_role("group", name="Flask, FastAPI, Django Ninja")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Flask")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="a link")).to_be_focused()


def test_wide_code_and_tables_scroll_in_their_own_box(show: Show) -> None:
    cells = " | ".join(["averyveryverylongheadingcell"] * 8)
    rule = "|".join(["---"] * 8)
    page = show(f"```text illustration\n{'x' * 400}\n```\n\n| {cells} |\n|{rule}|\n| {cells} |\n")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("pre").evaluate("e => e.scrollWidth > e.clientWidth")
    assert page.locator(".scroll").evaluate("e => e.scrollWidth > e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    expect(page.locator("pre")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("region")).to_be_focused()


def test_the_drawing_of_the_readers_scheme_is_shown(show: Show) -> None:
    name = diagram_name("flowchart TD")
    page = show(
        '```mermaid alt="In words."\nflowchart TD\n```\n',
        **{
            f"diagrams/{name}-{scheme}.svg": ("/content/x.svg", 40, 20)
            for scheme in ("light", "dark")
        },
    )
    expect(page.locator("img.dark")).to_be_visible()
    expect(page.locator("img.light")).to_be_hidden()
    expect(page.get_by_text("In words.")).to_be_visible()
