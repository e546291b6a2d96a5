"""Tests for your own machine: a small part of what the grader looks at.

Start your service, then run:  BASE_URL=http://127.0.0.1:8000 python -m pytest tests
"""

import os
import uuid

import httpx
import pytest

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000")


@pytest.fixture(scope="session")
def api():
    with httpx.Client(base_url=BASE_URL, timeout=5) as client:
        try:
            client.get("/health")
        except httpx.TransportError:
            pytest.exit(f"Nothing answers at {BASE_URL}. Start your service first.", returncode=2)
        yield client


def new_article(**changes):
    """Return an article to send, with a title that nobody has used before."""
    return {
        "title": f"A title {uuid.uuid4()}",
        "body": "Some text.",
        "tags": ["first", "second"],
    } | changes


@pytest.fixture
def article(api):
    """An article that is stored: what the service answered to POST."""
    response = api.post("/articles", json=new_article())
    assert response.status_code == 201, response.text
    return response.json()


def test_health(api):
    response = api.get("/health")
    assert response.status_code == 200
    assert response.json()["status"] == "ok"


def test_create_answers_201_with_the_article(api):
    sent = new_article()
    response = api.post("/articles", json=sent)
    assert response.status_code == 201
    body = response.json()
    assert body["title"] == sent["title"]
    assert isinstance(body["id"], int)


def test_location_leads_to_the_article(api):
    sent = new_article()
    response = api.post("/articles", json=sent)
    assert "Location" in response.headers
    assert api.get(response.headers["Location"]).json()["title"] == sent["title"]


def test_read_one_article(api, article):
    response = api.get(f"/articles/{article['id']}")
    assert response.status_code == 200
    assert response.json() == article


def test_unknown_article_is_404(api, article):
    assert api.get(f"/articles/{article['id'] + 123456}").status_code == 404


def test_list_has_items_and_total(api, article):
    body = api.get("/articles").json()
    assert article["id"] in [item["id"] for item in body["items"]]
    assert body["total"] >= 1


def test_missing_title_is_refused(api):
    sent = new_article()
    del sent["title"]
    assert api.post("/articles", json=sent).status_code in (400, 422)


def test_taken_title_is_409(api, article):
    assert api.post("/articles", json=new_article(title=article["title"])).status_code == 409


def test_put_replaces(api, article):
    sent = new_article(tags=[])
    response = api.put(f"/articles/{article['id']}", json=sent)
    assert response.status_code == 200
    assert response.json()["title"] == sent["title"]
    assert response.json()["tags"] == []


def test_patch_changes_one_field(api, article):
    response = api.patch(f"/articles/{article['id']}", json={"body": "Another text."})
    assert response.status_code == 200
    assert response.json()["body"] == "Another text."
    assert response.json()["title"] == article["title"]


def test_delete_then_404(api, article):
    path = f"/articles/{article['id']}"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
