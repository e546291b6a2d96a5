"""Walk through the site and take pictures of every page.

    export PYTHONPATH=platform
    python -m tests.browser.tour FOLDER   every page, whole, with the staged engine
    python -m tests.browser.tour --docs   a few for `docs/screenshots`, really graded

Each at 1280 and 390 pixels, light and dark. The site runs from an empty data directory.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import stages
from tests.browser.chromium import chromium
from tests.browser.real_attempts import EARLIER, LATER, make_wrong
from tests.browser.running_site import (
    DOCKER_ENGINE,
    REPOSITORY,
    STAGED_ENGINE,
    RunningSite,
    running_site,
)
from tests.browser.walking import hand_in, log_in, wait_for_report

SIZES = {"1280": {"width": 1280, "height": 900}, "390": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
FOR_DOCS = frozenset({"path", "lesson", "submit", "live", "report"})
# The report's first failure is what it is about: so much of it is shown.
REPORT_HEIGHT = 1_920
# Pages that need nobody signed in, and those that do.
PUBLIC = {
    "home": "/",
    "login": "/accounts/login/",
    "signup": "/accounts/signup/",
    "reset": "/accounts/password/reset/",
    "not-found": "/no-such-page",
}
PRIVATE = {
    "path": "/paths/data-and-rest/",
    "module": "/paths/data-and-rest/rest/",
    "lesson": "/lessons/put-vs-patch/",
    "projects": "/projects/",
    "project": f"/projects/{stages.PROJECT}/",
    "submit": f"/projects/{stages.PROJECT}/submit/",
    "attempts": "/submissions/",
    "emails": "/accounts/email/",
}


def main(folder: Path, *, only: frozenset[str] | None = None) -> None:
    """Take pictures. With `only`, some of them, no more of each than fits on a screen, and
    from attempts that the sandbox really graded."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running_site(Path(data), engine=DOCKER_ENGINE if only else STAGED_ENGINE) as site,
        chromium() as browser,
    ):
        shots = Shots(browser, site, folder, only)
        for name, address in PUBLIC.items():
            shots.take(name, address)
        with browser.new_context() as context:
            page = context.new_page()
            shots.prepare_really(page) if only else shots.prepare(page)
            for name, address in PRIVATE.items():
                shots.take(name, address, context=context)


class Shots:
    """Takes each page in both sizes and both schemes."""

    def __init__(
        self, browser: Browser, site: RunningSite, folder: Path, only: frozenset[str] | None
    ) -> None:
        self.browser = browser
        self.site = site
        self.folder = folder
        self.only = only

    def take(
        self,
        name: str,
        address: str,
        *,
        context: BrowserContext | None = None,
        before: Callable[[Page], None] | None = None,
    ) -> None:
        """Take four pictures of an address. `before` acts on the page first."""
        if self.only is not None and name not in self.only:
            return
        owned = context or self.browser.new_context()
        for size, viewport in SIZES.items():
            for scheme in SCHEMES:
                page = owned.new_page()
                page.set_viewport_size(viewport)
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                if self.only is not None and (name, size) == ("report", "1280"):
                    page.set_viewport_size({"width": 1280, "height": REPORT_HEIGHT})
                page.goto(self.site.url + address)
                if before:
                    before(page)
                self.snap(page, f"{name}-{size}-{scheme}")
                page.close()
        if context is None:
            owned.close()

    def snap(self, page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        page.screenshot(
            path=self.folder / f"{name}.png", full_page=self.only is None, animations="disabled"
        )

    def prepare_really(self, page: Page) -> None:
        """Have two attempts graded in the sandbox and take pictures of the second."""
        log_in(page, self.site)
        self._read_a_lesson(page)
        hand_in(page, self.site, make_wrong(EARLIER))
        wait_for_report(page)
        hand_in(page, self.site, make_wrong(LATER))
        page.locator('[data-check][data-state="fail"]').first.wait_for(timeout=240_000)
        self.take("live", _path(page), context=page.context)
        wait_for_report(page)
        self.take("report", _path(page), context=page.context)

    def _read_a_lesson(self, page: Page) -> None:
        page.goto(self.site.url + "/lessons/verbs-crud/")
        page.get_by_role("button", name="Mark as read").first.click()

    def prepare(self, page: Page) -> None:
        """Hand in attempts of every kind and take their pictures on the way."""
        log_in(page, self.site)
        self._read_a_lesson(page)
        hand_in(page, self.site, stages.make_zip(stages.did_not_start()))
        wait_for_report(page)
        self.take("report-not-started", _path(page), context=page.context)
        hand_in(page, self.site, stages.make_zip(stages.one_in_the_way()))
        wait_for_report(page)
        self.take("report-waiting", _path(page), context=page.context)
        for name, stage in (
            ("report-limit", stages.met_a_limit()),
            ("report-memory", stages.ran_out_of_memory()),
        ):
            hand_in(page, self.site, stages.make_zip(stage))
            wait_for_report(page)
            self.take(name, _path(page), context=page.context)
        hand_in(page, self.site, stages.make_zip(stages.earlier()))
        wait_for_report(page)
        hand_in(page, self.site, stages.make_zip(stages.near_miss()))
        wait_for_report(page)
        self.take("report", _path(page), context=page.context)
        self.take("report-open", _path(page), context=page.context, before=_open_everything)
        self.take(
            "files",
            f"{_path(page).removesuffix('report/')}files/?path=app.py",
            context=page.context,
        )
        hand_in(page, self.site, stages.make_zip({"fault": True}))
        page.get_by_text("We could not grade").wait_for(timeout=60_000)
        self.take("fault", _path(page), context=page.context)
        hand_in(page, self.site, stages.make_zip({**stages.near_miss(), "seconds": 1.0}))
        page.locator('[data-check][data-state="fail"]').first.wait_for(timeout=120_000)
        self.take("live", _path(page), context=page.context)
        wait_for_report(page)
        hand_in(page, self.site, stages.make_zip({}))
        wait_for_report(page)
        self.take("report-passed", _path(page), context=page.context)
        bad = stages.make_zip({}, **{"../../etc/passwd": "x"})
        self.take(
            "refused",
            f"/projects/{stages.PROJECT}/submit/",
            context=page.context,
            before=lambda p: _send(p, bad),
        )


def _open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")


def _send(page: Page, archive: bytes) -> None:
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "work.zip", "mimeType": "application/zip", "buffer": archive}
    )
    page.get_by_role("button", name="Hand in attempt").click()
    page.get_by_text("Not accepted").wait_for()


def _path(page: Page) -> str:
    return "/" + page.url.split("/", 3)[3]


if __name__ == "__main__":
    if sys.argv[1:] == ["--docs"]:
        main(REPOSITORY / "docs" / "screenshots", only=FOR_DOCS)
    elif len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    else:
        sys.exit(__doc__)
