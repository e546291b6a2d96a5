"""The ten checks as a developer writes them: black-box, with httpx, against a running server."""

import os

import httpx
import pytest

DRAFT = {"title": "Kim", "year": 1901, "tags": ["novel"]}


@pytest.fixture(scope="session")
def client():
    with httpx.Client(base_url=os.environ["BASE_URL"]) as client:
        yield client


def store(client):
    response = client.post("/books", json=DRAFT)
    assert response.status_code == 201
    return response.json()["id"]


def test_health(client):
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_create(client):
    response = client.post("/books", json=DRAFT)
    assert response.status_code == 201
    body = response.json()
    assert {name: body[name] for name in DRAFT} == DRAFT
    assert response.headers["Location"] == f"/books/{body['id']}"


def test_read(client):
    number = store(client)
    response = client.get(f"/books/{number}")
    assert response.status_code == 200
    assert response.json() == DRAFT | {"id": number}


def test_list(client):
    response = client.get("/books", params={"tag": "novel"})
    assert response.status_code == 200
    body = response.json()
    assert len(body["items"]) == body["total"]


def test_unknown(client):
    assert client.get("/books/999999").status_code == 404


def test_invalid(client):
    assert client.post("/books", json={"title": "", "year": -1}).status_code == 422


def test_replace(client):
    number = store(client)
    response = client.put(f"/books/{number}", json={"title": "Emma", "year": 1815})
    assert response.status_code == 200
    assert response.json() == {"id": number, "title": "Emma", "year": 1815, "tags": []}


def test_change(client):
    number = store(client)
    response = client.patch(f"/books/{number}", json={"year": 1902})
    assert response.status_code == 200
    assert response.json() == DRAFT | {"id": number, "year": 1902}


def test_remove(client):
    number = store(client)
    assert client.delete(f"/books/{number}").status_code == 204
    assert client.get(f"/books/{number}").status_code == 404


def test_method(client):
    response = client.post("/health")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET"
