"""The pages of the content: what they show, to whom, and at what cost."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from backpath.catalog.blobs import content_store
from backpath.catalog.models import Assignment, Lesson
from backpath.learning.models import LessonProgress
from backpath.learning.services import mark_read
from tests.catalog.factories import LESSON_BODY, ContentFolder, make_diagram, make_front_matter
from tests.grading.factories import make_user
from tests.learning.factories import make_reported_submission

pytestmark = pytest.mark.django_db

PAGES = [
    "/",
    "/paths/data/",
    "/paths/data/rest/",
    "/lessons/first/",
    "/projects/",
    "/projects/small-api/",
]


def text_of(html: str) -> str:
    """What a reader sees, with spaces collapsed."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def get(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def part(html: str, start: str, end: str) -> str:
    found = re.search(f"{start}.*?{end}", html, re.DOTALL)
    assert found, f"no {start} … {end}"
    return found[0]


def add_lessons(content: ContentFolder, count: int) -> None:
    for number in range(count):
        content.add_lesson(f"{100 + number}-extra-{number}", title=f"Extra {number}")
    content.sync(content_store())


# Cost ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 5),
        ("/paths/data/", 5),
        ("/paths/data/rest/", 4),
        ("/lessons/first/", 9),
        ("/projects/", 2),
        ("/projects/small-api/", 6),
    ],
)
def test_queries_of_a_page_do_not_grow_with_the_content(
    served: ContentFolder,
    client: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    address: str,
    queries: int,
) -> None:
    with django_assert_max_num_queries(queries):
        get(client, address)
    add_lessons(served, 12)
    with django_assert_max_num_queries(queries):
        get(client, address)


@pytest.mark.parametrize("address", PAGES)
def test_signed_in_readers_cost_five_queries_more_at_most(
    served: ContentFolder,
    client: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    address: str,
) -> None:
    user = make_user()
    client.force_login(user)
    for _ in range(3):
        make_reported_submission(user, Assignment.objects.get())
    with django_assert_max_num_queries(13):
        get(client, address)


def test_unchanged_page_is_answered_with_304(served: ContentFolder, client: Client) -> None:
    for address in PAGES:
        first = client.get(address)
        assert first.headers["ETag"].startswith('W/"')
        assert "Cookie" in first.headers["Vary"]
        again = client.get(address, headers={"if-none-match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    served.edit("lessons/data/04-rest/020-second/lesson.md", "More text.", "Better text.")
    served.sync(content_store())
    changed = client.get("/lessons/second/", headers={"if-none-match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Better text." in changed.content.decode()


def test_pages_of_signed_in_readers_are_never_answered_with_304(
    served: ContentFolder, client: Client
) -> None:
    etag = client.get("/").headers["ETag"]
    client.force_login(make_user())
    response = client.get("/", headers={"if-none-match": etag})
    assert response.status_code == 200
    assert "ETag" not in response.headers


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_read_only_and_obey_the_policy(
    served: ContentFolder, client: Client, address: str
) -> None:
    response = client.get(address)
    html = response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert " style=" not in html
    assert not re.search(r"<[^>]+\son\w+=", html)
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


# Home, path, module -------------------------------------------------------------------


def test_home_says_what_this_is_and_leads_to_the_first_lesson(
    served: ContentFolder, client: Client
) -> None:
    html = get(client, "/")
    text = text_of(html)
    assert "Learn Python backend development by building it" in text
    assert "2 lessons 1 project" in text
    assert 'href="/lessons/first/"' in part(html, '<section class="pathcard"', "</section>")


def test_home_without_content_says_so(client: Client) -> None:
    response = client.get("/")
    assert "There is no content yet" in response.content.decode()
    assert "ETag" not in response.headers


def test_path_shows_what_is_done_and_what_is_next(served: ContentFolder, client: Client) -> None:
    user = make_user()
    client.force_login(user)
    mark_read(user, lesson=Lesson.objects.get(slug="first"))
    html = get(client, "/paths/data/")
    items = re.findall(r'<li.*?aria-label="([^"]+)".*?<a href="([^"]+)"', html, re.DOTALL)
    steps = [item for item in items if item[1].startswith(("/lessons/", "/projects/small"))]
    assert steps[-3:] == [
        ("Done", "/lessons/first/"),
        ("Next", "/lessons/second/"),
        ("To do", "/projects/small-api/"),
    ]
    assert "1 of 3 done" in text_of(html)
    assert "Go on: Second steps" in text_of(html)


def test_module_lists_outcomes_and_projects(served: ContentFolder, client: Client) -> None:
    text = text_of(get(client, "/paths/data/rest/"))
    assert "Module 4 REST HTTP APIs." in text
    assert "Second steps You can do the thing. 15 min" in text
    assert "Project P3 Small API Build a small API." in text


@pytest.mark.parametrize(
    "address",
    [
        "/paths/nope/",
        "/paths/data/nope/",
        "/paths/nope/rest/",
        "/lessons/nope/",
        "/lessons/planned-one/",
        "/projects/nope/",
        "/lessons/nope.md",
        "/projects/nope/starter.zip",
        "/content/" + "0" * 64 + ".svg",
        "/content/x.svg",
    ],
)
def test_what_is_not_there_is_404(served: ContentFolder, client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_retired_lesson_is_404_and_gone_from_outlines(
    served: ContentFolder, client: Client
) -> None:
    (served.module / "020-second").rename(served.root / "aside")
    served.sync(content_store())
    assert client.get("/lessons/second/").status_code == 404
    assert "Second steps" not in get(client, "/paths/data/")
    assert "Second steps" not in get(client, "/lessons/first/")


# Lesson -------------------------------------------------------------------------------


def test_lesson_has_its_module_its_sections_and_its_text(
    served: ContentFolder, client: Client
) -> None:
    html = get(client, "/lessons/second/")
    side = part(html, '<aside class="side"', "</aside>")
    assert 'aria-current="page">Second steps' in side
    assert 'aria-label="You are here"' in side
    contents = part(html, '<aside class="onpage"', "</aside>")
    assert re.findall(r'href="(#[^"]+)"', contents) == ["#part", "#other", "#check", "#done"]
    assert '<h2 id="part">' in html
    assert "After this lesson you can do the thing." in text_of(html)
    assert "1 min read" in text_of(html)
    assert "Plan 15 min with the exercise" in text_of(html)
    assert "Checked against Python 3.13" in text_of(html)


def test_reading_time_is_by_200_words_a_minute(served: ContentFolder, client: Client) -> None:
    Lesson.objects.filter(slug="first").update(word_count=401)
    assert "3 min read" in text_of(get(client, "/lessons/first/"))


def test_neighbours_lead_over_projects_and_modules(served: ContentFolder, client: Client) -> None:
    served.add_module("data", "05-more", code="M5", title="More")
    served.add_lesson("010-third", module="data/05-more", title="Third steps")
    served.sync(content_store())

    def way(address: str) -> list[tuple[str, str]]:
        return re.findall(r'<a href="([^"]+)" rel="(prev|next)">', get(client, address))

    assert way("/lessons/first/") == [("/lessons/second/", "next")]
    assert way("/lessons/second/") == [
        ("/lessons/first/", "prev"),
        ("/projects/small-api/", "next"),
    ]
    assert way("/projects/small-api/") == [
        ("/lessons/second/", "prev"),
        ("/lessons/third/", "next"),
    ]
    assert way("/lessons/third/") == [("/projects/small-api/", "prev")]


def test_knowledge_check_works_without_a_script(served: ContentFolder, client: Client) -> None:
    html = get(client, "/lessons/second/")
    quiz = part(html, '<section class="quiz', "</section>")
    assert quiz.count('<div class="question"') == 4
    options = re.findall(r'<details class="opt (good|bad)">.*?</details>', quiz, re.DOTALL)
    assert options == ["good", "bad"] * 4
    assert "Right. It is so." in text_of(quiz)
    assert "Not this one. It is not so." in text_of(quiz)
    assert " open" not in quiz.replace("Open", "")
    review = quiz.rpartition('<div class="question"')[2]
    assert "From an earlier lesson" in text_of(review)
    assert '<a href="/lessons/first/#part">First steps: One part</a>' in review


def test_review_of_a_planned_lesson_has_no_dead_link(served: ContentFolder, client: Client) -> None:
    quiz = part(get(client, "/lessons/first/"), '<section class="quiz', "</section>")
    assert "Taught in a lesson that is still to come." in text_of(quiz)
    assert "planned-one" not in quiz


def test_sources_and_further_reading_are_shown(served: ContentFolder, client: Client) -> None:
    served.add_lesson(
        "010-first",
        title="First steps",
        sources=[{"title": "RFC 9110", "url": "https://example.org/rfc", "date": None}],
        further=[{"title": "The manual", "url": "https://example.org/manual"}],
    )
    served.sync(content_store())
    html = get(client, "/lessons/first/")
    assert '<a href="https://example.org/manual" rel="external noopener">The manual</a>' in html
    assert '<a href="https://example.org/rfc" rel="external noopener">RFC 9110</a>' in html


def test_titles_are_shown_as_text(served: ContentFolder, client: Client) -> None:
    served.add_lesson("010-first", title="<script>alert(1)</script> & more")
    served.sync(content_store())
    for address in ("/lessons/first/", "/lessons/second/", "/paths/data/", "/paths/data/rest/"):
        html = get(client, address)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html


# Marking ------------------------------------------------------------------------------


def test_reader_marks_a_lesson_and_takes_the_mark_back(
    served: ContentFolder, client: Client
) -> None:
    user = make_user()
    client.force_login(user)
    assert "Mark as read</button>" in get(client, "/lessons/first/")
    address = reverse("learning:mark_read", args=["first"])
    response = client.post(address)
    assert (response.status_code, response.headers["Location"]) == (302, "/lessons/first/#done")
    assert LessonProgress.objects.get().user == user
    assert "You have read this lesson." in text_of(get(client, "/lessons/first/"))
    client.post(address, {"unmark": "1"})
    assert not LessonProgress.objects.exists()


def test_marking_needs_a_token_a_post_and_an_account(served: ContentFolder) -> None:
    address = reverse("learning:mark_read", args=["first"])
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())
    assert strict.post(address).status_code == 403
    assert strict.get(address).status_code == 405
    visitor = Client().post(address)
    assert visitor.status_code == 302
    assert visitor.headers["Location"].endswith("/login/?next=/lessons/first/")
    assert not LessonProgress.objects.exists()
    assert strict.get(reverse("catalog:lesson", args=["first"])).status_code == 200


def test_visitor_is_asked_to_log_in_instead_of_a_button(
    served: ContentFolder, client: Client
) -> None:
    html = get(client, "/lessons/first/")
    assert "<form" not in part(html, '<section class="after"', "</section>")
    assert "?next=/lessons/first/" in html
    assert not client.cookies


# Project ------------------------------------------------------------------------------


def test_project_shows_specification_groups_and_checks(
    served: ContentFolder, client: Client
) -> None:
    html = get(client, "/projects/small-api/")
    text = text_of(html)
    assert "What to build." in text
    assert "3 checks, 100 points" in text
    assert "Starts 20 points" in text
    assert "Answers Must pass 20 pts Clients rely on it." in text
    assert "Secret Hidden 30 pts" in text
    assert '<a href="/lessons/first/#part">First steps: One part</a>' in html
    assert 'href="/projects/small-api/starter.zip"' in html
    assert 'href="/projects/small-api/submit/"' in html
    assert "Look again." not in text


def test_project_shows_the_learners_own_attempts_only(
    served: ContentFolder, client: Client
) -> None:
    user = make_user()
    assignment = Assignment.objects.get()
    make_reported_submission(make_user(), assignment, score=11)
    client.force_login(user)
    assert "Your attempts" not in text_of(get(client, "/projects/small-api/"))
    make_reported_submission(user, assignment, verdict="failed", score=42)
    text = text_of(get(client, "/projects/small-api/"))
    assert "42/100" in text
    assert "11/100" not in text


def test_projects_are_listed_with_what_was_passed(served: ContentFolder, client: Client) -> None:
    user = make_user()
    client.force_login(user)
    assert 'aria-label="Not passed yet"' in get(client, "/projects/")
    make_reported_submission(user, Assignment.objects.get())
    assert 'aria-label="Passed"' in get(client, "/projects/")


# Files --------------------------------------------------------------------------------


def test_source_of_a_lesson_is_markdown(served: ContentFolder, client: Client) -> None:
    response = client.get("/lessons/first.md")
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("# First steps\n\nSomething to read first.")
    assert "minutes:" not in text
    again = client.get("/lessons/first.md", headers={"if-none-match": response.headers["ETag"]})
    assert again.status_code == 304
    changed = client.get(
        "/lessons/first.md", headers={"if-modified-since": response.headers["Last-Modified"]}
    )
    assert changed.status_code == 304


def test_starter_is_the_one_that_was_synced(served: ContentFolder, client: Client) -> None:
    response = client.get("/projects/small-api/starter.zip")
    assert response.headers["Content-Type"] == "application/zip"
    assert 'filename="small-api-starter.zip"' in response.headers["Content-Disposition"]
    served.edit("graders/small-api/starter/app.py", "start", "changed")
    assert client.get("/projects/small-api/starter.zip").content == response.content
    etag = response.headers["ETag"]
    not_modified = client.get("/projects/small-api/starter.zip", headers={"if-none-match": etag})
    assert not_modified.status_code == 304


def test_pictures_are_served_for_good_and_cannot_act(served: ContentFolder, client: Client) -> None:
    make_diagram(served, "010-first", "flowchart TD")
    body = f'{LESSON_BODY}\n```mermaid alt="A."\nflowchart TD\n```\n'
    served.write(
        "lessons/data/04-rest/010-first/lesson.md", f"---\n{make_front_matter()}---\n{body}"
    )
    served.sync(content_store())
    source = re.search(r'src="(/content/[^"]+)"', get(client, "/lessons/first/"))
    assert source
    response = client.get(source[1])
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert "immutable" in response.headers["Cache-Control"]
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert client.get(source[1].replace(".svg", ".png")).status_code == 404


def test_graders_are_never_served(served: ContentFolder, client: Client) -> None:
    assignment = Assignment.objects.get()
    for content_hash in (assignment.grader_hash, assignment.starter_hash):
        for extension in ("svg", "png", "tar", "zip"):
            assert client.get(f"/content/{content_hash}.{extension}").status_code == 404
