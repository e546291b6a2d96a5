"""A right Articles API in memory behind the SDK's `service`, and one whose answers are spoilt."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from backpath_sdk import Response, Service
from backpath_sdk.http import Exchange, Headers

DOCUMENT = json.loads(
    (
        Path(__file__).parents[2]
        / "graders/articles-rest/reference/flask/articles/static/openapi.json"
    ).read_text(encoding="utf-8")
)
FIELDS = {"title": str, "body": str, "tags": list}
METHODS = {"/articles": ["GET", "POST"], "item": ["GET", "PUT", "PATCH", "DELETE"]}


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


class Articles:
    """The contract of the project, as plain functions of a request."""

    def __init__(self) -> None:
        self._articles: dict[int, dict[str, Any]] = {}
        self._last_id = 0

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and JSON body (None for no body)."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            return self._route(method, parts.path, query, body)
        except Refusal as refusal:
            error = {"error": {"code": str(refusal.status), "message": "Refused."}}
            return refusal.status, refusal.headers, error

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], Any]:
        if path == "/health":
            return 200, {}, {"status": "ok"}
        if path == "/openapi.json":
            return 200, {}, copy.deepcopy(DOCUMENT)
        if path == "/articles":
            if method == "GET":
                return 200, {}, self._list(query)
            if method == "POST":
                article = self._create(_fields(body))
                return 201, {"Location": f"/articles/{article['id']}"}, article
            raise Refusal(405, Allow="GET, POST")
        head, _, last = path.rpartition("/")
        if head != "/articles" or not last.isdigit():
            raise Refusal(404)
        if method not in METHODS["item"]:
            raise Refusal(405, Allow=", ".join(METHODS["item"]))
        article = self._articles.get(int(last))
        if article is None:
            raise Refusal(404)
        if method == "DELETE":
            del self._articles[int(last)]
            return 204, {}, None
        if method != "GET":
            fields = _fields(body, is_partial=method == "PATCH")
            self._refuse_taken(fields.get("title"), article["id"])
            article |= fields | {"updated_at": _now()}
        return 200, {}, dict(article)

    def _create(self, fields: dict[str, Any]) -> dict[str, Any]:
        self._refuse_taken(fields["title"], 0)
        self._last_id += 1
        now = _now()
        article = {"id": self._last_id, **fields, "created_at": now, "updated_at": now}
        self._articles[self._last_id] = article
        return dict(article)

    def _refuse_taken(self, title: str | None, own_id: int) -> None:
        if any(a["title"] == title and a["id"] != own_id for a in self._articles.values()):
            raise Refusal(409)

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        numbers = {"page": query.get("page", "1"), "per_page": query.get("per_page", "20")}
        if not all(text.isdigit() and int(text) > 0 for text in numbers.values()):
            raise Refusal(422)
        sort = query.get("sort", "-created_at")
        if sort.removeprefix("-") not in ("created_at", "title"):
            raise Refusal(422)
        page, per_page = int(numbers["page"]), min(int(numbers["per_page"]), 100)
        key = sort.removeprefix("-")
        found = sorted(
            (a for a in self._articles.values() if query.get("tag", "") in ["", *a["tags"]]),
            key=lambda article: (article[key], article["id"]),
            reverse=sort.startswith("-"),
        )
        start = (page - 1) * per_page
        items = [dict(article) for article in found[start : start + per_page]]
        return {"items": items, "total": len(found), "page": page, "per_page": per_page}


def _fields(body: bytes, *, is_partial: bool = False) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        raise Refusal(400) from None
    if not isinstance(data, dict):
        raise Refusal(422)
    fields = {name: data[name] for name in FIELDS if name in data}
    is_complete = is_partial or len(fields) == len(FIELDS)
    if not is_complete or any(not isinstance(fields[n], FIELDS[n]) for n in fields):
        raise Refusal(422)
    if not 1 <= len(fields.get("title", "x")) <= 120:
        raise Refusal(422)
    if not all(isinstance(tag, str) for tag in fields.get("tags", [])):
        raise Refusal(422)
    return fields


def _now() -> str:
    return datetime.now(UTC).isoformat()


Spoil = Callable[[int, dict[str, str], Any], tuple[int, dict[str, str], bytes]]


class FakeService(Service):
    """The SDK's `service` without a network; `spoil` may change every answer."""

    def __init__(self, spoil: Spoil | None = None) -> None:
        # Not the SDK's own set-up: there is no agent to talk to.
        self._articles = Articles()
        self._spoil = spoil

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Response:
        if not path.startswith("/"):
            raise ValueError(path)
        target = f"{path}?{urlencode(params)}" if params else path
        body = data if data is not None else b"" if json is None else _encode(json)
        answer = self._articles.answer(method, target, body)
        status, sent, content = self._spoil(*answer) if self._spoil else plain(*answer)
        exchange = Exchange(method, target, [], body)
        exchange.status, exchange.headers, exchange.body = (
            status,
            Headers(list(sent.items())),
            content,
        )
        return Response(exchange)

    def restart(self) -> None:
        """Memory outlives this restart."""


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def plain(status: int, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
    """What the right service sends."""
    if body is None:
        return status, headers, b""
    return status, {"Content-Type": "application/json"} | headers, _encode(body)


STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e300, 10**30, "", "x", "7", "\x00\ud800", "é" * 300,
    [], [[]], [None], {}, {"": {}}, {"items": 5}, {"items": [5, None, {}]}, [{"id": "a"}],
    {"$ref": "#/paths"}, {"$ref": "#"}, "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z",
    "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z",
]  # fmt: skip
HEADERS = [
    "",
    "/",
    "//",
    "//evil",
    "http://[",
    "/articles/" + "9" * 40,
    "/articles/1 2",
    "/é",
    "?",
    "x",
]
BODIES = [b"", b"null", b"{", b"\xff\xfe", b"[" * 3000, b"1" * 5000, b'{"items": [', b"NaN", b'"x"']


def spoiler(rng: random.Random) -> Spoil:
    """Return what spoils now a status, now a header, now a place deep in the JSON."""

    def spoil(status: int, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        kind = rng.randrange(12)
        if kind == 0:
            status = rng.choice([200, 201, 204, 301, 308, 400, 404, 405, 409, 422, 500, 999])
        elif kind == 1:
            name = rng.choice(["Location", "Content-Type", "Allow"])
            headers = headers | {name: rng.choice(HEADERS)}
        elif kind == 2:
            return status, headers, rng.choice(BODIES)
        elif kind <= 7 and body is not None:
            body = _spoil_somewhere(rng, copy.deepcopy(body))
        return plain(status, headers, body)

    return spoil


def _spoil_somewhere(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        if rng.random() < 0.15:
            del value[key]
        else:
            value[key] = _spoil_somewhere(rng, value[key])
        return value
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        value[place] = _spoil_somewhere(rng, value[place])
        return value
    return copy.deepcopy(rng.choice(STRANGE))
