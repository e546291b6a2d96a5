"""Reads a learner's OpenAPI 3 document.

Everything in it is the learner's, so every surprise, from a reference that leads nowhere to a
schema that is none, is a failed check with its place in the document, never an error of the suite.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from backpath_sdk import CheckFailed, fail

_ROOT = "urn:backpath:openapi"
_LONGEST_REFERENCE_CHAIN = 20
_DEEPEST_NESTING = 100
_PARAMETER = re.compile(r"\{[^{}/]+\}")


class OpenAPIDocument:
    """The document, and what it says about one operation.

    Operations are named by method and a path in which every parameter is written `{}`, so that
    `/articles/{id}` and `/articles/{article_id}` are the same.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        _refuse_deep_nesting(document)
        self._document = document
        if str(document.get("openapi", "")).startswith("3.0"):
            self._document = _as_2020_12(document)
        self._paths = self._paths_by_shape()

    def has_operation(self, method: str, path: str) -> bool:
        return isinstance(self._paths.get(path, {}).get(method.lower()), dict)

    def path_shapes(self) -> list[str]:
        return sorted(self._paths)

    def statuses(self, method: str, path: str) -> list[str]:
        """Return the documented statuses as written: "200", "4XX", "default"."""
        return sorted(str(status) for status in self._responses(method, path))

    def documents(self, method: str, path: str, status: int) -> bool:
        written = {text.upper() for text in self.statuses(method, path)}
        return bool(written & {str(status), f"{status // 100}XX", "DEFAULT"})

    def answer_schema(self, method: str, path: str, status: int) -> Schema | None:
        """Return the schema of an answer's JSON body, or None where none is written down."""
        responses = self._responses(method, path)
        by_name = {str(name).upper(): response for name, response in responses.items()}
        for name in (str(status), f"{status // 100}XX", "DEFAULT"):
            if name in by_name:
                break
        else:
            return None
        where = f"{method.lower()} {path}, response {status}"
        content = self._resolve(by_name[name], where).get("content")
        for kind, media in content.items() if isinstance(content, dict) else ():
            essence = str(kind).partition(";")[0].strip().lower()
            if essence == "application/json" or essence.endswith("+json"):
                schema = media.get("schema") if isinstance(media, dict) else None
                if isinstance(schema, dict) and schema:
                    return Schema(schema, self._document, where)
        return None

    def _responses(self, method: str, path: str) -> dict[str, Any]:
        operation = self._paths.get(path, {}).get(method.lower())
        if not isinstance(operation, dict):
            fail(f"/openapi.json does not describe {method} {path}.")
        responses = operation.get("responses")
        if not isinstance(responses, dict):
            fail(
                f"/openapi.json: {method} {path} has no object named “responses”.",
                expected='"responses": {"200": …}',
                actual=", ".join(sorted(map(str, operation))) or "an empty operation",
            )
        return responses

    def _paths_by_shape(self) -> dict[str, dict[str, Any]]:
        paths = self._document.get("paths")
        if not isinstance(paths, dict):
            fail("/openapi.json has no object named “paths”.", expected='"paths": {...}')
        prefix = self._server_prefix()
        shapes: dict[str, dict[str, Any]] = {}
        for path, item in paths.items():
            shape = _PARAMETER.sub("{}", prefix + str(path))
            resolved = self._resolve(item, f"path {path}")
            shapes[shape] = shapes.get(shape, {}) | resolved
        return shapes

    def _server_prefix(self) -> str:
        servers = self._document.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else None
        url = first.get("url") if isinstance(first, dict) else None
        try:
            return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
        except ValueError:
            return ""

    def _resolve(self, node: Any, where: str) -> dict[str, Any]:
        """Follow `$ref` to another place of the document."""
        for _ in range(_LONGEST_REFERENCE_CHAIN):
            if not isinstance(node, dict):
                fail(f"/openapi.json: {where} is not an object.", expected="{...}")
            if "$ref" not in node:
                return node
            node = self._at(str(node["$ref"]), where)
        fail(f"/openapi.json: the references of {where} go round in a circle.")

    def _at(self, reference: str, where: str) -> Any:
        node: Any = self._document
        if not reference.startswith("#/"):
            _refuse_reference(reference, where)
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                _refuse_reference(reference, where)
            node = node[name]
        return node


class Schema:
    """A JSON schema of the document, with its references into the document."""

    def __init__(self, schema: dict[str, Any], document: dict[str, Any], where: str) -> None:
        self._where = where
        registry = Registry().with_resource(
            _ROOT, Resource(contents=document, specification=DRAFT202012)
        )
        self._validator = Draft202012Validator(_absolute(schema), registry=registry)

    def accepts(self, value: Any) -> bool:
        return self.first_error(value) is None

    def first_error(self, value: Any) -> str | None:
        """Return what the schema says against `value`, with the place in it, or None."""
        try:
            Draft202012Validator.check_schema(self._validator.schema)
            errors = sorted(self._validator.iter_errors(value), key=lambda error: len(error.path))
        except CheckFailed:
            raise
        except Exception as error:  # every kind of trouble a written schema can make
            fail(
                f"/openapi.json: the schema of {self._where} cannot be used.",
                expected="a JSON schema whose references lead to a place in the document",
                actual=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
            )
        if not errors:
            return None
        place = "".join(f"[{part!r}]" for part in errors[0].absolute_path) or "the whole answer"
        return f"at {place}: {errors[0].message[:300]}"


def _refuse_deep_nesting(document: dict[str, Any]) -> None:
    """Keep the recursive functions below within Python's own limit."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST_NESTING):
        inside = [node.values() if isinstance(node, dict) else node for node in level]
        level = [node for nodes in inside for node in nodes if isinstance(node, dict | list)]
        if not level:
            return
    fail(f"/openapi.json is nested more than {_DEEPEST_NESTING} levels deep.")


def _refuse_reference(reference: str, where: str) -> NoReturn:
    fail(
        f"/openapi.json: {where} refers to a place that is not in the document.",
        expected="#/components/… that exists",
        actual=reference[:200],
    )


def _absolute(node: Any) -> Any:
    """Write `#/…` references as absolute ones, since the schema is taken out of its document."""
    if isinstance(node, dict):
        return {
            key: _ROOT + value
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _absolute(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_absolute(value) for value in node]
    return node


def _as_2020_12(node: Any) -> Any:
    """Rewrite what OpenAPI 3.0 spells differently from JSON Schema: nullable, exclusive bounds."""
    if isinstance(node, list):
        return [_as_2020_12(value) for value in node]
    if not isinstance(node, dict):
        return node
    result = {key: _as_2020_12(value) for key, value in node.items()}
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = result.get(exclusive)
        if isinstance(flag, bool):
            del result[exclusive]
            if flag and bound in result:
                result[exclusive] = result.pop(bound)
    if result.pop("nullable", None) is True:
        return {"anyOf": [result, {"type": "null"}]}
    return result
