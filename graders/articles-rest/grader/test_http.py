"""What HTTP asks of every service: wrong methods, safe reading, one shape for errors."""

from steps import draft, fetch, in_short, store, unknown_path

from backpath_sdk import check, expect, expect_true


@check("methods.405-allow")
def test_wrong_method(service, rng):
    article = store(service, rng)
    cases = [
        ("DELETE", "/articles", {"GET", "POST"}),
        ("POST", article.path, {"GET", "PUT", "PATCH", "DELETE"}),
    ]
    for method, path, working in cases:
        response = service.request(method, path, json=draft(rng) if method == "POST" else None)
        response.expect_status(
            405,
            message=f"{method} {path} is not in the contract. It answered {response.status}, "
            "expected 405.",
        )
        allow = response.headers.get("Allow") or ""
        named = {name.strip().upper() for name in allow.split(",") if name.strip()}
        expect_true(
            bool(named & working) and method not in named,
            f"{method} {path} answered 405, but its Allow header does not tell the client which "
            "methods work there.",
            expected="Allow: " + ", ".join(sorted(working)),
            actual=f"Allow: {allow}" if allow else "no Allow header",
        )


@check("safe.get-is-safe")
def test_get_is_safe(service, rng):
    article = store(service, rng)
    first = fetch(service, article)
    for _ in range(2):
        service.get(article.path)
        service.get("/articles")
    second = fetch(service, article)
    for name in sorted(first.keys() | second.keys()):
        expect(
            second.get(name),
            first.get(name),
            f"Nothing but GET requests were made, and “{name}” of GET {article.path} changed.",
        )


def expect_error_shape(response, tried):
    """The body of an error is {"error": {"code": text, "message": text}}, sent as JSON."""
    kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    expect_true(
        kind == "application/json" or kind.endswith("+json"),
        f"{tried} answered {response.status} with a body that is not sent as JSON.",
        expected="Content-Type: application/json",
        actual=f"Content-Type: {kind}" if kind else "no Content-Type header",
    )
    body = response.json_object()
    error = body.get("error")
    for name in ("code", "message"):
        value = error.get(name) if isinstance(error, dict) else None
        expect_true(
            isinstance(value, str) and bool(value.strip()),
            f"{tried} answered {response.status}, but the body does not have the error shape: "
            f"“error” must be an object with a text “{name}”.",
            expected='{"error": {"code": "…", "message": "…"}}',
            actual=in_short(body),
        )


@check("errors.not-found")
def test_not_found_shape(service, rng):
    path = unknown_path(store(service, rng), rng)
    expect_error_shape(service.get(path), f"GET {path}")


@check("errors.validation")
def test_validation_shape(service, rng):
    sent = draft(rng)
    del sent["title"]
    expect_error_shape(service.post("/articles", json=sent), "POST /articles without a title")
    response = service.post(
        "/articles", data=b'{"title": ', headers={"Content-Type": "application/json"}
    )
    expect_error_shape(response, "POST /articles with a body that is not JSON")


@check("errors.conflict")
def test_conflict_shape(service, rng):
    article = store(service, rng)
    response = service.post("/articles", json=draft(rng, title=article.title))
    expect_error_shape(response, "POST /articles with a taken title")
