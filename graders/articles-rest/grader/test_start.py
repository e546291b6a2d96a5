"""The service starts, starts again, and stores a first article."""

from steps import draft, id_of, is_success

from backpath_sdk import check, expect, expect_true, fail


@check("start.health")
def test_health(service):
    response = service.get("/health")
    response.expect_status(200)
    body = response.json_object()
    expect(body.get("status"), "ok", 'GET /health must answer with {"status": "ok"}.')


@check("start.starts-again")
def test_starts_again(service):
    service.restart()
    response = service.get("/health")
    response.expect_status(
        200,
        message="After a stop and a second start with the same DATA_DIR, GET /health answered "
        f"{response.status}, expected 200.",
    )


@check("start.unknown-path")
def test_unknown_path(service, rng):
    path = f"/{rng.slug()}"
    response = service.get(path)
    response.expect_status(
        404,
        message=f"GET {path} answered {response.status}, expected 404: the contract has no such "
        "path.",
    )


@check("start.first-article")
def test_first_article(service, rng):
    sent = draft(rng)
    response = service.post("/articles", json=sent)
    if 300 <= response.status < 400:
        fail(
            f"POST /articles was sent on to {response.headers.get('Location')!r} with "
            f"{response.status}. The contract's path is /articles, without a slash at the end.",
            expected="201",
            actual=str(response.status),
        )
    expect_true(
        is_success(response),
        f"POST /articles with a complete, valid body answered {response.status}.",
        expected="201",
        actual=str(response.status),
    )
    path = f"/articles/{id_of(service, response, sent['title'])}"
    seen = [service.get(path).text, service.get("/articles").text]
    expect_true(
        any(sent["title"] in text for text in seen),
        f"POST /articles answered {response.status}, but the article is not there afterwards: "
        f"neither GET {path} nor GET /articles shows its title.",
        expected=sent["title"],
        actual="not found in either answer",
    )
