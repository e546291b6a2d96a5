"""The ten checks as a grader author writes them: black-box, with the SDK's `service`."""

from backpath_sdk import check, expect

DRAFT = {"title": "Kim", "year": 1901, "tags": ["novel"]}


def store(service):
    response = service.post("/books", json=DRAFT)
    response.expect_status(201)
    return response.json_object()["id"]


@check("books.health")
def test_health(service):
    response = service.get("/health")
    response.expect_status(200)
    expect(response.json_object(), {"status": "ok"}, "GET /health says that all is well.")


@check("books.create")
def test_create(service):
    response = service.post("/books", json=DRAFT)
    response.expect_status(201)
    body = response.json_object()
    expect({name: body[name] for name in DRAFT}, DRAFT, "The answer repeats the book.")
    response.expect_header("Location", f"/books/{body['id']}")


@check("books.read")
def test_read(service):
    number = store(service)
    response = service.get(f"/books/{number}")
    response.expect_status(200)
    expect(response.json_object(), DRAFT | {"id": number}, "The book is as it was stored.")


@check("books.list")
def test_list(service):
    response = service.get("/books", params={"tag": "novel"})
    response.expect_status(200)
    body = response.json_object()
    expect(len(body["items"]), body["total"], "“total” counts the books.")


@check("books.unknown")
def test_unknown(service):
    service.get("/books/999999").expect_status(404)


@check("books.invalid")
def test_invalid(service):
    service.post("/books", json={"title": "", "year": -1}).expect_status(422)


@check("books.replace")
def test_replace(service):
    number = store(service)
    response = service.put(f"/books/{number}", json={"title": "Emma", "year": 1815})
    response.expect_status(200)
    expected = {"id": number, "title": "Emma", "year": 1815, "tags": []}
    expect(response.json_object(), expected, "PUT replaces the whole book.")


@check("books.change")
def test_change(service):
    number = store(service)
    response = service.patch(f"/books/{number}", json={"year": 1902})
    response.expect_status(200)
    expected = DRAFT | {"id": number, "year": 1902}
    expect(response.json_object(), expected, "PATCH changes one field.")


@check("books.remove")
def test_remove(service):
    number = store(service)
    service.delete(f"/books/{number}").expect_status(204)
    service.get(f"/books/{number}").expect_status(404)


@check("books.method")
def test_method(service):
    response = service.post("/health")
    response.expect_status(405)
    response.expect_header("Allow", "GET")
