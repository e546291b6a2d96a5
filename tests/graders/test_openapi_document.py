"""The suite's reader of OpenAPI documents: right about good ones, calm about bad ones."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backpath_sdk import CheckFailed

GRADER = Path(__file__).parents[2] / "graders" / "articles-rest" / "grader"
REFERENCE = GRADER.parent / "reference/flask/articles/static/openapi.json"


@pytest.fixture(scope="module")
def reader() -> Iterator[ModuleType]:
    """The suite's module, imported the way the runner does it."""
    sys.path.insert(0, str(GRADER))
    try:
        yield importlib.import_module("openapi_document")
    finally:
        sys.path.remove(str(GRADER))
        sys.modules.pop("openapi_document", None)


def make_document(schema: Any = None, **changes: Any) -> dict[str, Any]:
    """A document with one operation whose 200 answer has `schema`."""
    content = {"application/json": {"schema": schema or {"type": "object"}}}
    operation = {"responses": {"200": {"description": "", "content": content}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/articles/{article_id}": {"get": operation}},
    } | changes


ITEM = "/articles/{}"


def schema_of(reader: ModuleType, document: dict[str, Any]) -> Any:
    return reader.OpenAPIDocument(document).answer_schema("GET", ITEM, 200)


def test_reads_the_hand_written_document(reader: ModuleType) -> None:
    document = reader.OpenAPIDocument(json.loads(REFERENCE.read_text()))
    assert document.path_shapes() == ["/articles", ITEM]
    assert document.has_operation("PATCH", ITEM)
    assert not document.has_operation("PATCH", "/articles")
    assert document.statuses("POST", "/articles") == ["201", "400", "409", "422"]
    assert document.documents("DELETE", ITEM, 404)
    assert not document.documents("DELETE", ITEM, 409)
    schema = document.answer_schema("GET", ITEM, 200)
    article = {
        "id": 1,
        "title": "t",
        "body": "",
        "tags": [],
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
    assert schema.accepts(article)
    assert schema.first_error(article | {"tags": "a"}) == "at ['tags']: 'a' is not of type 'array'"
    assert not schema.accepts({})
    assert document.answer_schema("DELETE", ITEM, 204) is None


def test_ranges_and_default_document_a_status(reader: ModuleType) -> None:
    document = make_document()
    responses = document["paths"]["/articles/{article_id}"]["get"]["responses"]
    responses["4XX"] = {"description": "", "content": {"application/problem+json": {}}}
    read = reader.OpenAPIDocument(document)
    assert read.documents("GET", ITEM, 404)
    assert not read.documents("GET", ITEM, 500)
    responses["default"] = {"description": ""}
    assert reader.OpenAPIDocument(document).documents("GET", ITEM, 500)


def test_nullable_and_exclusive_bounds_of_3_0(reader: ModuleType) -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "string", "nullable": True},
            "b": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        },
    }
    read = schema_of(reader, make_document(schema, openapi="3.0.3"))
    assert read.accepts({"a": None, "b": 1})
    assert not read.accepts({"a": None, "b": 0})
    assert not read.accepts({"a": 1, "b": 1})


def test_servers_with_a_path_are_a_prefix(reader: ModuleType) -> None:
    document = make_document(servers=[{"url": "https://example.org/articles"}])
    document["paths"] = {"/{id}": document["paths"]["/articles/{article_id}"]}
    assert reader.OpenAPIDocument(document).has_operation("GET", ITEM)


def test_references_are_followed(reader: ModuleType) -> None:
    document = make_document({"$ref": "#/components/schemas/A~1B"})
    document["components"] = {
        "schemas": {
            "A/B": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
            "Item": {"type": "integer"},
        },
        "responses": {"R": document["paths"]["/articles/{article_id}"]["get"]["responses"]["200"]},
    }
    document["paths"]["/articles/{article_id}"]["get"]["responses"]["200"] = {
        "$ref": "#/components/responses/R"
    }
    schema = schema_of(reader, document)
    assert schema.accepts([1, 2])
    assert not schema.accepts(["a"])


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(make_document(paths=[]), id="paths is a list"),
        pytest.param(make_document(paths={"/articles/{id}": []}), id="a path is a list"),
        pytest.param(
            make_document(paths={"/articles/{id}": {"get": {"responses": []}}}),
            id="responses is a list",
        ),
        pytest.param(make_document(paths={"/articles": {}}), id="the path is missing"),
        pytest.param(
            make_document(paths={"/articles/{id}": {"$ref": "#/paths/~1articles~1{id}"}}),
            id="a path refers to itself",
        ),
        pytest.param(
            make_document(paths={"/articles/{id}": {"$ref": "https://example.org/x.json"}}),
            id="a path refers to the network",
        ),
        pytest.param(make_document(servers=[{"url": "http://["}], paths={}), id="a bad server"),
    ],
)
def test_broken_documents_are_failed_checks(reader: ModuleType, document: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed, match=r"/openapi\.json"):
        schema_of(reader, document)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strng"},
        {"type": 5},
        {"required": "title"},
        {"pattern": "("},
        {"$ref": "#/components/schemas/Missing"},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": 5},
        {"allOf": 5},
    ],
)
def test_broken_schemas_are_failed_checks(reader: ModuleType, schema: dict[str, Any]) -> None:
    read = schema_of(reader, make_document(schema))
    with pytest.raises(CheckFailed, match="cannot be used"):
        read.first_error("text")


def test_a_schema_that_refers_to_itself(reader: ModuleType) -> None:
    place = "#/paths/~1articles~1{article_id}/get/responses/200/content/application~1json/schema"
    with pytest.raises(CheckFailed, match="cannot be used"):
        schema_of(reader, make_document({"$ref": place})).first_error({})


def test_nesting_has_an_end(reader: ModuleType) -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"items": deep}
    with pytest.raises(CheckFailed, match="nested more than 100 levels"):
        reader.OpenAPIDocument(make_document(deep))


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_schemas_that_are_no_objects_count_as_none(reader: ModuleType, version: str) -> None:
    document = make_document(openapi=version)
    media = document["paths"]["/articles/{article_id}"]["get"]["responses"]["200"]["content"]
    media["application/json"]["schema"] = []
    assert schema_of(reader, document) is None
    media["application/json"] = None
    assert schema_of(reader, document) is None
