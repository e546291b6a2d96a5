"""A running site, a browser, and pages that fail the test when a policy is broken."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.chromium import chromium, chromium_path
from tests.browser.running_site import RunningSite, running_site
from tests.browser.walking import log_in

NewPage = Callable[..., Page]
# What Chromium logs for an answer the test asked for: a refusal has a 4xx status.
EXPECTED = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium_path() is None:
        # Not skipped: pages that nobody looked at must not count as looked at.
        pytest.fail("There is no Chromium on this machine; ./dev test installs it.")
    with chromium() as browser:
        yield browser


@pytest.fixture
def new_page(browser: Browser, site: RunningSite) -> Iterator[NewPage]:
    """Open pages in contexts of their own. In the end no page may have logged an error, broken
    the content security policy, thrown, or asked anybody but the site for anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, signed_in: bool = False, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("console", lambda message: complaints.extend(_errors(message)))
        context.on("weberror", lambda error: complaints.append(f"thrown: {error.error}"))
        context.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((site.url, "data:", "blob:"))
                else complaints.append(f"asked for {request.url}")
            ),
        )
        page = context.new_page()
        if signed_in:
            log_in(page, site)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _errors(message: ConsoleMessage) -> list[str]:
    if message.type not in ("error", "warning") or message.text.startswith(EXPECTED):
        return []
    return [f"{message.type} on {message.page.url if message.page else '?'}: {message.text}"]
