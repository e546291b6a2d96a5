"""What learners come for, in a real browser: read, hand in, watch, read the report."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import stages
from tests.browser.conftest import NewPage
from tests.browser.running_site import RunningSite
from tests.browser.walking import hand_in, log_in, wait_for_report

pytestmark = pytest.mark.browser

SUBMIT = f"/projects/{stages.PROJECT}/submit/"


def sign_up(page: Page, site: RunningSite, name: str) -> None:
    page.goto(f"{site.url}/accounts/signup/")
    page.get_by_label("Email").fill(f"{name}@example.org")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(site.password)
    page.get_by_label("Password (again)").fill(site.password)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url(f"{site.url}/")


def test_from_signing_up_to_a_report(new_page: NewPage, site: RunningSite) -> None:
    page = new_page()
    page.goto(site.url)
    page.get_by_role("link", name="Sign up").first.click()
    sign_up(page, site, "ada")

    page.goto(f"{site.url}/lessons/put-vs-patch/")
    expect(page.get_by_role("heading", level=1)).to_have_text("PUT or PATCH")
    expect(page.locator("figure.code").first.get_by_role("button", name="Copy")).to_be_visible()

    page.goto(site.url + SUBMIT)
    page.evaluate("window.stayed = true")
    stage = {**stages.near_miss(), "seconds": 0.05}
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "work.zip", "mimeType": "application/zip", "buffer": stages.make_zip(stage)}
    )
    expect(page.locator("[data-chosen]")).to_have_text(re.compile(r"^work\.zip, \d+ kB$"))
    with page.expect_request("**/events/*") as stream:
        page.get_by_role("button", name="Hand in attempt 1").click()
        page.wait_for_url("**/submissions/*/")
    assert "after=" in stream.value.url
    page.evaluate("window.stayed = true")
    expect(page.locator('[data-check="start.health"]')).to_have_attribute(
        "data-state", "pass", timeout=60_000
    )
    expect(page.locator('[data-check="patch.merges"]')).to_have_attribute(
        "data-state", "fail", timeout=60_000
    )
    assert page.evaluate("window.stayed") is True, "the page reloaded instead of listening"
    done = int(page.locator("[data-done]").inner_text())
    assert done >= 36

    wait_for_report(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Close: 2 points short.")
    expect(page.locator("#first h2")).to_have_text("PATCH leaves the other fields as they were")
    expect(page.locator("#first .diff tr.want mark").first).to_have_text('"Roast the bones first."')
    page.get_by_role("link", name="Go to the failure").click()
    assert page.url.endswith("#first")


def test_hints_open_one_after_the_other(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    hand_in(page, site, stages.make_zip(stages.near_miss(), note="hints"))
    wait_for_report(page)
    hints = page.locator("#first .hints")
    second = hints.get_by_text("Hint 2: an idea")
    expect(second).to_be_hidden()
    hints.get_by_text("Hint 1: where to look").click()
    expect(second).to_be_visible()
    expect(hints.get_by_text("Hint 3: nearly the answer")).to_be_hidden()
    second.click()
    expect(hints.get_by_text("Hint 3: nearly the answer")).to_be_visible()


def test_copying_leaves_out_the_prompt(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True, permissions=["clipboard-read", "clipboard-write"])
    hand_in(page, site, stages.make_zip(stages.near_miss(), note="copy"))
    wait_for_report(page)
    button = page.locator("#first figure.code").last.page.locator("#first .copy").first
    button.click()
    expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl -i -X PATCH http://localhost:8000/articles/7")


def test_the_live_page_polls_where_streams_do_not_get_through(
    new_page: NewPage, site: RunningSite
) -> None:
    page = new_page(signed_in=True)
    page.route("**/events/**", lambda route: route.fulfill(status=204, body=""))
    stage = {**stages.near_miss(), "seconds": 0.1}
    with page.expect_request("**/status.json*"):
        hand_in(page, site, stages.make_zip(stage, note="polling"))
    expect(page.locator('[data-check="start.health"]')).to_have_attribute(
        "data-state", "pass", timeout=60_000
    )
    wait_for_report(page)


def test_our_fault_restarts_and_then_says_so(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    hand_in(page, site, stages.make_zip({"fault": True}, note="fault"))
    heading = page.get_by_role("heading", name="We could not grade attempt")
    expect(heading).to_be_visible(timeout=60_000)
    expect(page.get_by_text("It was tried twice")).to_be_visible()


def test_a_refusal_is_read_out_and_the_form_stays(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + SUBMIT)
    bad = stages.make_zip({}, **{"../../etc/passwd": "x"})
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "work.zip", "mimeType": "application/zip", "buffer": bad}
    )
    page.get_by_role("button", name="Hand in attempt").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("../../etc/passwd")
    expect(alert).to_contain_text("a path may not lead upwards with ..")
    expect(alert).to_be_focused()
    page.get_by_label("An archive, or files").set_input_files(
        {
            "name": "work.zip",
            "mimeType": "application/zip",
            "buffer": stages.make_zip({}, note="after a refusal"),
        }
    )
    page.get_by_role("button", name="Hand in attempt").click()
    wait_for_report(page)


def make_folder(path: Path, note: str) -> Path:
    """A project with what tools leave beside it."""
    for name, content in {
        "app.py": stages.APP,
        "store/db.py": f"# {note}\n",
        ".git/objects/aa": "x",
        ".venv/bin/python": "x",
        "store/__pycache__/db.cpython-313.pyc": "x",
    }.items():
        file = path / "work" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return path / "work"


def test_a_folder_is_sent_without_what_tools_make(
    new_page: NewPage, site: RunningSite, tmp_path: Path
) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + SUBMIT)
    page.get_by_label("A folder").set_input_files(make_folder(tmp_path, "with a script"))
    expect(page.locator("[data-chosen]")).to_contain_text("2 files")
    expect(page.locator("[data-chosen]")).to_contain_text("3 left out that tools make")
    page.get_by_role("button", name="Hand in attempt").click()
    wait_for_report(page)
    page.get_by_role("link", name="Files you handed in").first.click()
    assert page.locator(".filelist a span:first-child").all_inner_texts() == [
        "app.py",
        "store/db.py",
    ]


def test_files_dropped_into_the_frame(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + SUBMIT)
    transfer = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["print('dropped')\\n"], "app.py"));
            transfer.items.add(new File(["web: python app.py\\n"], "Procfile"));
            return transfer;
        }"""
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": transfer})
    expect(page.locator("[data-drop]")).to_have_class(re.compile("over"))
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    expect(page.locator("[data-chosen]")).to_contain_text("2 files")
    page.get_by_role("button", name="Hand in attempt").click()
    wait_for_report(page)


def test_a_folder_dropped_into_the_frame(
    new_page: NewPage, site: RunningSite, tmp_path: Path
) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + SUBMIT)
    box = page.locator("[data-drop]").bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + 20,
                "y": box["y"] + 20,
                "data": {
                    "items": [],
                    "files": [str(make_folder(tmp_path, "dropped"))],
                    "dragOperationsMask": 1,
                },
            },
        )
    expect(page.locator("[data-chosen]")).to_contain_text("2 files")
    page.get_by_role("button", name="Hand in attempt").click()
    wait_for_report(page)
    page.get_by_role("link", name="Files you handed in").first.click()
    assert page.locator(".filelist a span:first-child").all_inner_texts() == [
        "app.py",
        "store/db.py",
    ]


def test_too_large_is_said_before_it_is_sent(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    page.goto(site.url + SUBMIT)
    page.get_by_label("An archive, or files").set_input_files(
        {"name": "big.zip", "mimeType": "application/zip", "buffer": b"x" * 21 * 1024 * 1024}
    )
    expect(page.locator("[data-chosen]")).to_have_text("21.0 MB: at most 20.0 MB can be handed in.")
    expect(page.get_by_role("button", name="Hand in attempt")).to_be_disabled()


def test_the_theme_is_switched_and_remembered(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(color_scheme="light")
    page.goto(site.url)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Switch between light and dark").click()
    dark = page.evaluate(paper)
    assert light == "rgb(251, 251, 249)"
    assert dark == "rgb(21, 23, 26)"
    page.goto(f"{site.url}/projects/")
    assert page.evaluate(paper) == dark


def test_menus_close_on_escape(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(signed_in=True)
    who = page.get_by_label("Your account, mara")
    who.click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(who).to_be_focused()
    who.click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


# Without scripts --------------------------------------------------------------------------


def test_the_main_way_without_scripts(new_page: NewPage, site: RunningSite, tmp_path: Path) -> None:
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    log_in(page, site)
    expect(page.get_by_role("button", name="Switch between light and dark")).to_be_hidden()
    page.get_by_label("Menu").click()
    page.get_by_role("navigation", name="Main, small screens").get_by_role(
        "link", name="Projects"
    ).click()
    page.goto(site.url + SUBMIT)
    expect(page.get_by_text("Drop a zip")).to_be_hidden()
    page.get_by_label("A folder").set_input_files(make_folder(tmp_path, "without a script"))
    page.get_by_role("button", name="Hand in attempt").click()
    expect(page.get_by_text("Left out, since tools make them")).to_be_visible()
    wait_for_report(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Passed, and every check with it.")
    page.goto(f"{page.url.removesuffix('report/')}files/")
    expect(page.get_by_role("link", name="store/db.py")).to_be_visible()


def test_lesson_tabs_quizzes_and_menus_work_without_scripts(
    new_page: NewPage, site: RunningSite
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/lessons/put-vs-patch/")
    assert page.locator("figure.code").first.is_visible()
    assert page.get_by_role("button", name="Copy").count() == 0
