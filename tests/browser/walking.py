"""What a learner does on the site, step by step."""

from playwright.sync_api import Page

from tests.browser import stages
from tests.browser.running_site import RunningSite

GRADING_MS = 240_000


def log_in(page: Page, site: RunningSite, username: str | None = None) -> None:
    """Sign in by the form; the learner unless told otherwise."""
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_label("Username or email").or_(page.get_by_label("Login")).first.fill(
        username or site.learner
    )
    page.get_by_label("Password").first.fill(site.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.url}/")


def hand_in(page: Page, site: RunningSite, archive: bytes) -> None:
    """Upload an archive on the submit page; leaves the browser on what comes after."""
    page.goto(f"{site.url}/projects/{stages.PROJECT}/submit/")
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "work.zip", "mimeType": "application/zip", "buffer": archive}
    )
    page.get_by_role("button", name="Hand in attempt").click()
    page.wait_for_url("**/submissions/*/**")


def wait_for_report(page: Page) -> None:
    page.wait_for_url("**/report/", timeout=GRADING_MS)
