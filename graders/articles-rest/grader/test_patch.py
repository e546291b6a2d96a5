"""PATCH /articles/{id}."""

import time

from steps import (
    FIELDS,
    Article,
    expect_article,
    expect_refused,
    expect_success,
    fetch,
    instant,
    same_instant,
    store,
    unknown_path,
)

from backpath_sdk import check, expect, fail


@check("patch.200")
def test_answer(service, rng):
    article, body = store(service, rng), rng.sentence()
    response = service.patch(article.path, json={"body": body})
    response.expect_status(
        200,
        message=f"PATCH {article.path} with a new body answered {response.status}, expected 200.",
    )
    answer = response.json_object()
    where = f"The answer to PATCH {article.path} is the whole article"
    expect(answer.get("id"), article.id, f"{where}, with its id.")
    expect(answer.get("body"), body, f"{where}, with the new body.")


@check("patch.merges")
def test_merges(service, rng):
    article, body = store(service, rng), rng.sentence()
    expect_success(service.patch(article.path, json={"body": body}), f"PATCH {article.path}")
    expect_article(
        fetch(service, article),
        Article(id=article.id, title=article.title, body=body, tags=article.tags),
        f"GET {article.path} after PATCH sent nothing but a new body",
    )


@check("patch.null-rejected")
def test_null(service, rng):
    article = store(service, rng)
    for name in FIELDS:
        response = service.patch(article.path, json={name: None})
        expect_refused(
            response,
            f'PATCH {article.path} with {{"{name}": null}}',
            "null is not a text or a list; a field that shall stay is left out",
        )
    expect_article(fetch(service, article), article, f"GET {article.path} after PATCH was refused")


@check("patch.unknown-404")
def test_unknown(service, rng):
    path = unknown_path(store(service, rng), rng)
    response = service.patch(path, json={"title": rng.title()})
    response.expect_status(
        404,
        message=f"No article has this id, and PATCH {path} answered {response.status}, not 404.",
    )


@check("patch.conflict-409")
def test_conflict(service, rng):
    other, article = store(service, rng), store(service, rng)
    response = service.patch(article.path, json={"title": other.title})
    response.expect_status(
        409,
        message=f"PATCH {article.path} with the title of article {other.id} answered "
        f"{response.status}, expected 409.",
    )


@check("patch.updated-at")
def test_updated_at(service, rng):
    article = store(service, rng)
    before = fetch(service, article).get("updated_at")
    # A service that keeps whole seconds is right too: only then the second try has to wait.
    for pause in (0, 1.1):
        time.sleep(pause)
        changed = service.patch(article.path, json={"body": rng.sentence()})
        expect_success(changed, f"PATCH {article.path}")
        after = fetch(service, article).get("updated_at")
        if not same_instant(before, after):
            break
    else:
        fail(
            f"PATCH {article.path} changed the article, but “updated_at” did not move.",
            expected=f"later than {before}",
            actual=after,
        )
    first, second = instant(before), instant(after)
    if first is not None and second is not None and second < first:
        fail(
            f"PATCH {article.path} moved “updated_at” back in time.",
            expected=f"later than {before}",
            actual=after,
        )
