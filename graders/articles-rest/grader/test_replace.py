"""PUT /articles/{id}."""

from steps import (
    FIELDS,
    Article,
    draft,
    expect_article,
    expect_refused,
    expect_success,
    fetch,
    is_success,
    same_instant,
    store,
    unknown_path,
)

from backpath_sdk import check, expect, expect_true


@check("replace.200")
def test_answer(service, rng):
    article, sent = store(service, rng), draft(rng)
    response = service.put(article.path, json=sent)
    response.expect_status(
        200, message=f"PUT {article.path} answered {response.status}, expected 200."
    )
    expect_article(
        response.json(), Article(id=article.id, **sent), f"The answer to PUT {article.path}"
    )


@check("replace.stored")
def test_stored(service, rng):
    article, sent = store(service, rng), draft(rng)
    expect_success(service.put(article.path, json=sent), f"PUT {article.path}")
    expect_article(
        fetch(service, article),
        Article(id=article.id, **sent),
        f"GET {article.path} after PUT sent a new title, body and tags",
    )


@check("replace.missing-field-rejected")
def test_missing_field(service, rng):
    article = store(service, rng)
    for name in FIELDS:
        sent = draft(rng)
        del sent[name]
        response = service.put(article.path, json=sent)
        expect_refused(
            response,
            f"PUT {article.path} without “{name}”",
            "PUT replaces the whole article, so it needs the whole article",
        )
    expect_article(fetch(service, article), article, f"GET {article.path} after PUT was refused")


@check("replace.unknown-404")
def test_unknown(service, rng):
    path = unknown_path(store(service, rng), rng)
    response = service.put(path, json=draft(rng))
    response.expect_status(
        404, message=f"No article has this id, and PUT {path} answered {response.status}, not 404."
    )


@check("replace.duplicate-409")
def test_duplicate(service, rng):
    other, article = store(service, rng), store(service, rng)
    response = service.put(article.path, json=draft(rng, title=other.title))
    response.expect_status(
        409,
        message=f"PUT {article.path} with the title of article {other.id} answered "
        f"{response.status}, expected 409.",
    )


@check("replace.idempotent")
def test_idempotent(service, rng):
    article = store(service, rng)
    sent = draft(rng, title=article.title)
    for turn in ("first", "second"):
        response = service.put(article.path, json=sent)
        hint = (
            " The title belongs to this very article: that is no conflict."
            if response.status == 409
            else ""
        )
        expect_true(
            is_success(response),
            f"PUT {article.path} with the article's own title and a new body answered "
            f"{response.status} the {turn} time, expected 200 both times.{hint}",
            expected="200",
            actual=str(response.status),
        )


@check("replace.keeps-identity")
def test_identity(service, rng):
    article = store(service, rng)
    before = fetch(service, article)
    expect_success(service.put(article.path, json=draft(rng)), f"PUT {article.path}")
    after = fetch(service, article)
    expect(after.get("id"), article.id, f"PUT {article.path} changed the id; it stays the same.")
    expect_true(
        same_instant(before.get("created_at"), after.get("created_at")),
        f"PUT {article.path} changed “created_at”. It is still the same article, created when it "
        "was.",
        expected=before.get("created_at"),
        actual=after.get("created_at"),
    )
