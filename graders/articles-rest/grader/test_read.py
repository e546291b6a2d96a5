"""GET /articles and GET /articles/{id}."""

from datetime import UTC, datetime, timedelta

from steps import expect_article, fetch, instant, shorten, store, unknown_path

from backpath_sdk import check, expect_true


@check("read.collection")
def test_collection(service, rng):
    article = store(service, rng)
    response = service.get("/articles")
    response.expect_status(200, message=f"GET /articles answered {response.status}, expected 200.")
    body = response.json()
    items = body.get("items") if isinstance(body, dict) else None
    expect_true(
        isinstance(items, list),
        "GET /articles must answer with an object that has a list named “items”.",
        expected='{"items": [...], "total": …, "page": …, "per_page": …}',
        actual=shorten(response.text),
    )
    mine = [item for item in items if isinstance(item, dict) and item.get("id") == article.id]
    expect_true(
        len(mine) == 1,
        f"An article was created with id {article.id}, and GET /articles shows it "
        f"{len(mine)} times, expected once.",
        expected=f"one item with id {article.id}",
        actual=f"{len(mine)} of {len(items)} items",
    )
    expect_article(mine[0], article, f"The item with id {article.id} in GET /articles")


@check("read.item")
def test_item(service, rng):
    article = store(service, rng, body=f"{rng.sentence()} Crème brûlée, 日本, “quotes”\nand lines.")
    response = service.get(article.path)
    response.expect_status(
        200,
        message=f"Article {article.id} was created, but GET {article.path} answered "
        f"{response.status}, expected 200.",
    )
    expect_article(response.json(), article, f"GET {article.path}")


@check("read.times")
def test_times(service, rng):
    article = store(service, rng)
    body = fetch(service, article)
    for name in ("created_at", "updated_at"):
        value = body.get(name)
        moment = instant(value)
        expect_true(
            moment is not None,
            f"“{name}” in GET {article.path} is not an RFC 3339 time with a time zone.",
            expected="such as 2026-03-01T09:30:00Z",
            actual=value,
        )
        now = datetime.now(UTC)
        expect_true(
            abs(moment - now) < timedelta(minutes=10),
            f"“{name}” is not the time at which the article was created.",
            expected=f"about {now:%Y-%m-%dT%H:%M:%SZ}",
            actual=value,
        )


@check("read.content-type")
def test_content_type(service, rng):
    article = store(service, rng)
    for path in (article.path, "/articles"):
        kind = service.get(path).headers.get("Content-Type") or "no Content-Type header"
        expect_true(
            kind.partition(";")[0].strip().lower() == "application/json",
            f"GET {path} sends JSON but does not say so in its Content-Type header.",
            expected="application/json",
            actual=kind,
        )


@check("read.unknown-404")
def test_unknown(service, rng):
    path = unknown_path(store(service, rng), rng)
    response = service.get(path)
    response.expect_status(
        404, message=f"No article has this id, and GET {path} answered {response.status}, not 404."
    )


@check("read.non-numeric-id")
def test_non_numeric_id(service, rng):
    path = f"/articles/{rng.word()}"
    response = service.get(path)
    response.expect_status(
        404,
        422,
        message=f"GET {path} answered {response.status}, expected 404 or 422: an id is a number.",
    )
