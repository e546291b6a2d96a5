"""The OpenAPI document is there, and what it says is true."""

from openapi_document import OpenAPIDocument
from steps import draft, expect_success, in_short, store, unknown_path

from backpath_sdk import check, expect_true, fail

COLLECTION, ITEM = "/articles", "/articles/{}"
OPERATIONS = [
    ("GET", COLLECTION),
    ("POST", COLLECTION),
    ("GET", ITEM),
    ("PUT", ITEM),
    ("PATCH", ITEM),
    ("DELETE", ITEM),
]


def read_document(service):
    response = service.get("/openapi.json")
    response.expect_status(
        200, message=f"GET /openapi.json answered {response.status}, expected 200."
    )
    return response.json_object()


@check("contract.openapi-parses")
def test_parses(service):
    document = read_document(service)
    version = document.get("openapi")
    expect_true(
        isinstance(version, str) and version.startswith("3."),
        "/openapi.json does not say in “openapi” that it is an OpenAPI 3 document.",
        expected='"openapi": "3.1.0"',
        actual=in_short(version),
    )
    info = document.get("info")
    expect_true(
        isinstance(info, dict) and bool(info.get("title")) and bool(info.get("version")),
        "/openapi.json needs “info” with a “title” and a “version”.",
        expected='"info": {"title": "…", "version": "…"}',
        actual=in_short(info),
    )
    OpenAPIDocument(document)


@check("contract.has-five-operations")
def test_operations(service):
    document = OpenAPIDocument(read_document(service))
    for method, path in OPERATIONS:
        expect_true(
            document.has_operation(method, path),
            f"/openapi.json does not describe {method} {path.replace('{}', '{id}')}.",
            expected=f"{method.lower()} below {path.replace('{}', '{id}')}",
            actual="paths: " + (", ".join(document.path_shapes()) or "none"),
        )


def observe(service, rng):
    """Use every operation, and return (method, path shape, what was done, status) of each."""
    article = store(service, rng)
    unknown = unknown_path(article, rng)
    incomplete = draft(rng)
    del incomplete["title"]
    requests = [
        ("GET", COLLECTION, COLLECTION, None, "listing articles"),
        ("POST", COLLECTION, COLLECTION, draft(rng), "creating an article"),
        ("POST", COLLECTION, COLLECTION, incomplete, "creating an article without a title"),
        ("POST", COLLECTION, COLLECTION, draft(rng, title=article.title), "using a taken title"),
        ("GET", ITEM, article.path, None, "reading an article"),
        ("GET", ITEM, unknown, None, "reading an article that does not exist"),
        ("PUT", ITEM, article.path, draft(rng), "replacing an article"),
        ("PATCH", ITEM, article.path, {"body": rng.sentence()}, "changing an article"),
        ("DELETE", ITEM, article.path, None, "deleting an article"),
        ("DELETE", ITEM, article.path, None, "deleting it a second time"),
    ]
    return [
        (method, shape, what, service.request(method, path, json=body).status)
        for method, shape, path, body, what in requests
    ]


@check("contract.documented-statuses-match-observed")
def test_statuses(service, rng):
    document = OpenAPIDocument(read_document(service))
    for method, shape, what, status in observe(service, rng):
        # A 5xx is a broken operation, not a missing line of the document.
        if status < 500 and not document.documents(method, shape, status):
            fail(
                f"{what[0].upper()}{what[1:]} answered {status}, but /openapi.json does not list "
                f"{status} for {method} {shape.replace('{}', '{id}')}.",
                expected=str(status),
                actual="documented: " + (", ".join(document.statuses(method, shape)) or "none"),
            )


def only_mine(answer, article_id):
    """Leave on a page only the article of this check: the others are no concern of it."""
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        return answer
    mine = [one for one in answer["items"] if isinstance(one, dict) and one.get("id") == article_id]
    return {**answer, "items": mine}


@check("contract.schema-matches-a-real-response")
def test_schemas(service, rng):
    document = OpenAPIDocument(read_document(service))
    article = store(service, rng)
    for shape, path in ((ITEM, article.path), (COLLECTION, COLLECTION)):
        shown = shape.replace("{}", "{id}")
        schema = document.answer_schema("GET", shape, 200)
        if schema is None:
            fail(
                f"/openapi.json gives no JSON schema for the 200 answer of GET {shown}.",
                expected="content, application/json, schema",
                actual="no schema",
            )
        response = service.get(path)
        expect_success(response, f"GET {path}")
        error = schema.first_error(only_mine(response.json(), article.id))
        expect_true(
            error is None,
            f"The answer to GET {path} does not fit the schema that /openapi.json gives for it.",
            expected=f"an answer that fits the schema of GET {shown}",
            actual=error,
        )
        expect_true(
            not schema.accepts({"surprise": True}),
            f"The schema of GET {shown} in /openapi.json accepts any object, so it tells a client "
            "nothing. Name the required fields.",
            expected='a schema with "required"',
            actual='{"surprise": true} fits it',
        )


@check("contract.error-shape-documented")
def test_error_shape(service):
    document = OpenAPIDocument(read_document(service))
    good = {"error": {"code": "some_code", "message": "A sentence."}}
    for method, shape, status in (("GET", ITEM, 404), ("POST", COLLECTION, 409)):
        where = f"the {status} of {method} {shape.replace('{}', '{id}')}"
        schema = document.answer_schema(method, shape, status)
        if schema is None:
            fail(
                f"/openapi.json gives no JSON schema for {where}.",
                expected="content, application/json, schema",
                actual="no schema",
            )
        error = schema.first_error(good)
        expect_true(
            error is None,
            f"The schema of {where} in /openapi.json does not accept the error shape.",
            expected=in_short(good),
            actual=error,
        )
        for bad in ({"detail": "Not Found"}, {"error": "Not Found"}, {"error": {}}):
            expect_true(
                not schema.accepts(bad),
                f"The schema of {where} in /openapi.json also accepts a body that is not the error "
                "shape. Say which fields are required.",
                expected="only bodies with error, code and message",
                actual=f"{in_short(bad)} fits it",
            )
