"""POST /articles."""

import json

from steps import (
    FIELDS,
    Article,
    draft,
    expect_content,
    expect_refused,
    expect_success,
    id_of,
    in_short,
    is_id,
    is_success,
    location_path,
    peek,
    shorten,
    store,
)

from backpath_sdk import check, expect_true, fail


@check("create.201")
def test_status(service, rng):
    response = service.post("/articles", json=draft(rng))
    response.expect_status(
        201,
        message=f"POST /articles created an article and answered {response.status}, expected 201.",
    )


@check("create.location")
def test_location(service, rng):
    sent = draft(rng)
    response = service.post("/articles", json=sent)
    expect_success(response, "POST /articles")
    location = response.headers.get("Location")
    expect_true(
        location is not None,
        "The answer to POST /articles has no Location header, so a client does not learn the "
        "address of the new article.",
        expected="Location: /articles/{id}",
        actual="no Location header",
    )
    path = location_path(response)
    if path is None:
        fail(
            "The Location header of POST /articles is no address of this service.",
            expected="Location: /articles/{id}",
            actual=f"Location: {location}",
        )
    found = service.get(path)
    found.expect_status(
        200,
        message=f"Location says {location!r}, but GET {path} answered {found.status}, "
        "expected 200.",
    )
    answer = peek(found)
    if isinstance(answer, list) or (isinstance(answer, dict) and "items" in answer):
        fail(
            f"Location says {location!r}, and GET {path} shows the collection. It must be the "
            "address of the new article itself.",
            expected="/articles/{id}",
            actual=location,
        )
    # Whether the article is shown in the right form is for `read.item` to say.
    expect_true(
        sent["title"] in found.text,
        f"Location says {location!r}, but GET {path} does not show the new article.",
        expected=sent["title"],
        actual=shorten(found.text),
    )


@check("create.body")
def test_answer(service, rng):
    sent = draft(rng)
    response = service.post("/articles", json=sent)
    expect_success(response, "POST /articles")
    body = response.json_object()
    for name in ("id", "title", "body", "tags", "created_at", "updated_at"):
        expect_true(
            name in body,
            f"The answer to POST /articles has no “{name}”. It is the whole new article.",
            expected=name,
            actual=", ".join(sorted(body)) or "an empty object",
        )
    expect_true(
        is_id(body["id"]),
        "“id” in the answer to POST /articles is not a whole number of 1 or more.",
        expected="a whole number",
        actual=in_short(body["id"]),
    )
    expect_content(body, Article(id=body["id"], **sent), "The answer to POST /articles")


@check("create.missing-field")
def test_missing_field(service, rng):
    for name in FIELDS:
        sent = draft(rng)
        del sent[name]
        response = service.post("/articles", json=sent)
        expect_refused(
            response, f"POST /articles without “{name}”", "title, body and tags are all required"
        )


@check("create.wrong-type")
def test_wrong_type(service, rng):
    cases = [
        ("title", [rng.word(), rng.word()], "a list as “title”"),
        ("title", {"text": rng.title()}, "an object as “title”"),
        ("body", {"text": rng.sentence()}, "an object as “body”"),
        ("tags", rng.slug(), "a text as “tags”"),
        ("tags", [{"name": rng.slug()}], "an object inside “tags”"),
    ]
    for name, value, what in cases:
        response = service.post("/articles", json=draft(rng, **{name: value}))
        expect_refused(
            response,
            f"POST /articles with {what}",
            "title and body are texts, and tags is a list of texts",
        )


@check("create.title-length")
def test_title_length(service, rng):
    longest = (rng.title() + " " + "ü" * 120)[:120]
    response = service.post("/articles", json=draft(rng, title=longest))
    expect_true(
        is_success(response),
        f"POST /articles with a title of exactly 120 characters answered {response.status}; "
        "120 is still allowed.",
        expected="201",
        actual=str(response.status),
    )
    response = service.post("/articles", json=draft(rng, title="x" + longest))
    expect_refused(
        response, "POST /articles with a title of 121 characters", "a title has at most 120"
    )
    response = service.post("/articles", json=draft(rng, title=""))
    expect_refused(response, "POST /articles with an empty title", "a title has at least 1")


@check("create.malformed-json")
def test_malformed_json(service, rng):
    complete = json.dumps(draft(rng))
    cases = [
        (complete[:-2], "a body that is cut off in the middle of the JSON"),
        (json.dumps([draft(rng)]), "a JSON list instead of an object"),
        (json.dumps(rng.title()), "a JSON text instead of an object"),
    ]
    for body, what in cases:
        response = service.post(
            "/articles", data=body.encode(), headers={"Content-Type": "application/json"}
        )
        expect_refused(response, f"POST /articles with {what}", "the body must be a JSON object")


@check("create.duplicate-409")
def test_duplicate(service, rng):
    first = store(service, rng)
    response = service.post("/articles", json=draft(rng, title=first.title))
    response.expect_status(
        409,
        message="POST /articles with a title that another article already has answered "
        f"{response.status}, expected 409.",
    )


@check("create.server-fields")
def test_server_fields(service, rng):
    sent_id = rng.randrange(1_000_000, 9_000_000)
    old = "1999-12-31T23:59:59Z"
    sent = draft(rng, id=sent_id, created_at=old, updated_at=old)
    response = service.post("/articles", json=sent)
    if response.status in (400, 422):
        return
    if not is_success(response):
        fail(
            "POST /articles with an “id” and times of the client's own answered "
            f"{response.status}.",
            expected="201 with the server's own values, or 400 or 422",
            actual=str(response.status),
        )
    given = id_of(service, response, sent["title"])
    expect_true(
        given != sent_id,
        f"POST /articles with “id”: {sent_id} made an article with that id. Ids are the "
        "server's to give.",
        expected="an id that the server chose",
        actual=given,
    )
    body = peek(response)
    for name in ("created_at", "updated_at"):
        value = body.get(name) if isinstance(body, dict) else None
        expect_true(
            not str(value).startswith("1999"),
            f"POST /articles with “{name}”: {old} kept the client's time. Times are the "
            "server's to set.",
            expected="the time of the request",
            actual=value,
        )
