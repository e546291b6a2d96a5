"""What every answer of the site has in common."""

import re

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

PAGES = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/healthz"]


def directives(policy: str) -> dict[str, set[str]]:
    return {
        name: set(values.split())
        for name, _, values in (part.strip().partition(" ") for part in policy.split(";"))
    }


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_the_content_policy_is_strict(client: Client, page: str) -> None:
    response = client.get(page)
    assert response.status_code == 200
    policy = directives(response["Content-Security-Policy"])
    assert policy["default-src"] == {"'self'"}
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    assert policy["form-action"] == {"'self'"}
    assert "unsafe" not in response["Content-Security-Policy"]
    allowed = re.compile(r"'self'|'none'|'nonce-[\w-]+'")
    for values in policy.values():
        assert all(allowed.fullmatch(value) for value in values)


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_the_other_security_headers(client: Client, page: str) -> None:
    response = client.get(page)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES[:3])
def test_no_page_needs_inline_scripts_or_styles(client: Client, page: str) -> None:
    response = client.get(page)
    html = response.content.decode()
    nonces = set(re.findall(r"'nonce-([\w-]+)'", response["Content-Security-Policy"]))
    for tag in re.findall(r"<(?:script|style)\b[^>]*>", html):
        nonce = re.search(r'nonce="([\w-]+)"', tag)
        assert nonce, tag
        assert nonce[1] in nonces
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", html)


@pytest.mark.django_db
def test_a_nonce_is_used_once(client: Client) -> None:
    policies = [client.get(PAGES[0])["Content-Security-Policy"] for _ in range(2)]
    if "nonce-" in policies[0]:
        assert policies[0] != policies[1]


def test_the_process_answers(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_the_site_is_ready(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_missing_migration_is_not_ready(client: Client) -> None:
    ((app, newest),) = MigrationLoader(connection).graph.leaf_nodes("grading")
    MigrationRecorder(connection).record_unapplied(app, newest)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "not applied" in response.json()["reason"]


def test_a_page_that_is_not_there(client: Client) -> None:
    assert client.get("/no/such/page", headers={"host": "evil.example"}).status_code == 400
