"""What every page keeps to: accessible in both schemes, at home on a phone, on paper, steady."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, Route, expect

from tests.browser import stages
from tests.browser.conftest import NewPage
from tests.browser.running_site import RunningSite
from tests.browser.walking import hand_in, log_in, wait_for_report

pytestmark = pytest.mark.browser

SUBMIT = f"/projects/{stages.PROJECT}/submit/"
PUBLIC = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-nothing/",
    "/no-such-page",
    "/paths/data-and-rest/",
    "/lessons/put-vs-patch/",
    "/projects/",
    f"/projects/{stages.PROJECT}/",
]
PRIVATE = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    SUBMIT,
    "/submissions/",
]
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def attempts(browser: Any, site: RunningSite) -> dict[str, str]:
    """Addresses of attempts: a live page, reports of several kinds, files, our fault."""
    context = browser.new_context()
    page = context.new_page()
    log_in(page, site)
    addresses: dict[str, str] = {}
    staged = {
        "not started": stages.did_not_start(),
        "one in the way": stages.one_in_the_way(),
        "near miss": stages.near_miss(),
        "met a limit": stages.met_a_limit(),
        "out of memory": stages.ran_out_of_memory(),
        "passed": {},
    }
    for name, stage in staged.items():
        hand_in(page, site, stages.make_zip(stage, note=f"every page: {name}"))
        wait_for_report(page)
        addresses[name] = page.url.removeprefix(site.url)
    addresses["files"] = addresses["near miss"].removesuffix("report/") + "files/?path=app.py"
    hand_in(page, site, stages.make_zip({"fault": True}, note="every page"))
    page.get_by_text("We could not grade").wait_for(timeout=60_000)
    addresses["fault"] = page.url.removeprefix(site.url)
    context.close()
    return addresses


def check_with_axe(page: Page) -> None:
    result = Axe().run(page, options={"resultTypes": ["violations"]})
    assert result.violations_count == 0, f"{page.url}\n{result.generate_report()}"


def in_both_schemes(page: Page, act: Callable[[Page], None]) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        act(page)


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages_are_accessible(new_page: NewPage, site: RunningSite, address: str) -> None:
    page = new_page()
    page.goto(site.url + address)
    in_both_schemes(page, check_with_axe)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_pages_are_accessible(new_page: NewPage, site: RunningSite, address: str) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + address)
    in_both_schemes(page, check_with_axe)


@pytest.mark.parametrize(
    "name",
    [
        "not started",
        "one in the way",
        "near miss",
        "met a limit",
        "out of memory",
        "passed",
        "files",
        "fault",
    ],
)
def test_attempts_are_accessible_folded_and_open(
    new_page: NewPage, site: RunningSite, attempts: dict[str, str], name: str
) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + attempts[name])
    in_both_schemes(page, check_with_axe)
    unfold(page)
    in_both_schemes(page, check_with_axe)


def test_the_live_page_and_a_refusal_are_accessible(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    stage = {**stages.near_miss(), "seconds": 0.2}
    hand_in(page, site, stages.make_zip(stage, note="axe"))
    page.locator('[data-check][data-state="pass"]').first.wait_for(timeout=60_000)
    in_both_schemes(page, check_with_axe)
    wait_for_report(page)
    page.goto(site.url + SUBMIT)
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "work.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04"}
    )
    page.get_by_role("button", name="Hand in attempt").click()
    page.get_by_role("alert").wait_for()
    in_both_schemes(page, check_with_axe)


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate(
        "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_sticks_out_sideways(
    new_page: NewPage, site: RunningSite, attempts: dict[str, str], width: int
) -> None:
    page = new_page(signed_in=True, viewport={"width": width, "height": 844})
    wide = []
    for address in [*PUBLIC, *PRIVATE, *attempts.values()]:
        page.goto(site.url + address)
        unfold(page)
        if sideways(page) > 0:
            wide.append((address, sideways(page)))
    assert wide == []


def test_what_is_tapped_on_a_phone_is_large_enough(
    new_page: NewPage, site: RunningSite, attempts: dict[str, str]
) -> None:
    page = new_page(signed_in=True, viewport=PHONE, has_touch=True)
    for address in (SUBMIT, attempts["near miss"], "/submissions/"):
        page.goto(site.url + address)
        small = page.evaluate(
            """() => [
                    ...document.querySelectorAll('main .btn:not(.sm), main summary, header .icon')
                ]
                .filter(e => e.checkVisibility())
                .map(e => [e.textContent.trim(), e.getBoundingClientRect().height])
                .filter(([, height]) => height < 44)"""
        )
        assert small == []


def test_what_is_folded_is_open_on_paper(
    new_page: NewPage, site: RunningSite, attempts: dict[str, str]
) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + attempts["near miss"])
    inside = page.get_by_text("null for the title was taken.")
    expect(inside).to_be_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    expect(inside).to_be_visible()
    expect(page.locator("header.top")).to_be_hidden()
    for what in (".acts", ".hints", ".copy"):
        expect(page.locator(what).first).to_be_hidden()
    expect(page.locator(".crumb")).to_contain_text("Articles API")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(27, 30, 33)"
    )
    assert page.pdf().startswith(b"%PDF")


def test_nothing_moves_when_the_fonts_arrive(new_page: NewPage, site: RunningSite) -> None:
    def tops(page: Page) -> list[float]:
        page.goto(f"{site.url}/lessons/put-vs-patch/")
        page.evaluate("document.fonts.ready")
        found: list[float] = page.evaluate(
            "[...document.querySelectorAll('main h2')].map(e => e.getBoundingClientRect().top)"
        )
        return found

    def refuse(route: Route) -> None:
        route.fulfill(status=404, body="")

    real = tops(new_page())
    without = new_page()
    without.route("**/*.woff2", refuse)
    fallback = tops(without)
    assert len(real) == len(fallback) > 5
    # The whole lesson is some 7,000 pixels long: lines break in the same places but for a few.
    drift = [abs(a - b) / max(a, 1) for a, b in zip(real, fallback, strict=True)]
    assert max(drift) < 0.03, list(zip(real, fallback, strict=True))


def test_the_fonts_are_the_sites_own_and_cached_for_good(
    new_page: NewPage, site: RunningSite
) -> None:
    page = new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - a builtin cannot be marked
    page.goto(f"{site.url}/lessons/put-vs-patch/")
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    fonts = [answer for answer in answers if answer.url.endswith(".woff2")]
    assert 3 <= len(fonts) <= 6
    assert all("immutable" in answer.headers["cache-control"] for answer in fonts)
    assert sum(len(answer.body()) for answer in fonts) <= 90_000
    rest = [answer for answer in answers if answer not in fonts]
    sizes = {answer.url: int(answer.headers.get("content-length", 0)) for answer in rest}
    assert sum(sizes.values()) <= 120_000, sizes


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(
    new_page: NewPage, site: RunningSite
) -> None:
    page = new_page()
    page.goto(site.url)
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_policy_forbids_inline_scripts_and_styles(new_page: NewPage, site: RunningSite) -> None:
    page = new_page()
    answer = page.goto(site.url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "nonce-" in policy


def test_the_admin_keeps_to_the_policy_too(new_page: NewPage, site: RunningSite) -> None:
    page = new_page()
    log_in(page, site, "chef")
    page.goto(f"{site.url}/admin/")
    expect(page.locator("#site-name")).to_contain_text("Backpath")
    page.goto(f"{site.url}/admin/grading/gradingjob/")
    expect(page.get_by_role("heading", name="Select grading job")).to_be_visible()
