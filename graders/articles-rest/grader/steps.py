"""Steps that the checks of this suite share.

A check is strict about the one thing it is named after and tolerant about everything it needs on
the way. So articles are made here with any 2xx status and any answer that lets the id be found:
a wrong status on POST must fail `create.201` and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from backpath_sdk import Response, Service, fail

FIELDS = ("title", "body", "tags")
REFUSED = (400, 422)
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


@dataclass(frozen=True)
class Article:
    """An article as the client knows it: what was sent, and the id the server gave it."""

    id: int
    title: str
    body: str
    tags: list[str]

    @property
    def path(self) -> str:
        return f"/articles/{self.id}"


def draft(rng: Any, **changes: Any) -> dict[str, Any]:
    """Return a valid body for POST or PUT with new random values; `changes` replace fields."""
    return {
        "title": rng.title(),
        "body": rng.sentence(),
        "tags": [rng.slug(), rng.slug()],
    } | changes


def store(service: Service, rng: Any, **changes: Any) -> Article:
    """Create an article without judging how the service answers, as long as it does create it."""
    sent = draft(rng, **changes)
    response = service.post("/articles", json=sent)
    if not is_success(response):
        fail(
            "This check first needs a stored article, but POST /articles with a complete, valid "
            f"body answered {response.status}.",
            expected="201",
            actual=str(response.status),
        )
    return Article(id=id_of(service, response, sent["title"]), **sent)


def id_of(service: Service, response: Response, title: str) -> int:
    """Find the id of a new article: in the answer, in Location, or else in the collection."""
    body = peek(response)
    if isinstance(body, dict) and is_id(body.get("id")):
        return int(body["id"])
    last = (location_path(response) or "").rstrip("/").rpartition("/")[2]
    if re.fullmatch("[0-9]{1,18}", last):
        return int(last)
    listing = peek(service.get("/articles"))
    items = listing.get("items") if isinstance(listing, dict) else listing
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("title") == title and is_id(item.get("id")):
            return int(item["id"])
    fail(
        "POST /articles answered, but the id of the new article is nowhere to be found: not as a "
        "whole number “id” in the answer, not at the end of Location, not in GET /articles.",
        expected='"id": a whole number',
        actual=shorten(response.text),
    )


def location_path(response: Response) -> str | None:
    """Return the path that Location names, or None where there is none that can be asked for."""
    try:
        path = urlsplit(response.headers.get("Location") or "").path
    except ValueError:
        return None
    return path if re.fullmatch(r"/[!-.0-~][!-~]*", path) else None


def items_of(body: dict[str, Any], where: str) -> list[Any]:
    """Return the list named “items” of a page."""
    items = body["items"]
    if not isinstance(items, list):
        fail(f"“items” in {where} is not a list.", expected="[...]", actual=in_short(items))
    return items


def ids_of(items: list[Any]) -> list[int]:
    """Return the ids of the articles on a page, in their order."""
    return [int(item["id"]) for item in items if isinstance(item, dict) and is_id(item.get("id"))]


def unknown_path(article: Article, rng: Any) -> str:
    """Return the path of an article that does not exist, given one that does."""
    return f"/articles/{article.id + rng.randrange(100_000, 900_000)}"


def is_success(response: Response) -> bool:
    return 200 <= response.status < 300


def is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def peek(response: Response) -> Any:
    """Return the JSON of an answer, or None where it has none; never a failed check."""
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None


def shorten(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[:limit] + " …"


def in_short(value: object) -> str:
    return shorten(json.dumps(value, ensure_ascii=False))


def expect_success(response: Response, what: str) -> None:
    """Fail when a step that the check builds on did not work at all."""
    if not is_success(response):
        fail(
            f"{what} answered {response.status}, so nothing further could be looked at.",
            expected="a 2xx status",
            actual=str(response.status),
        )


def expect_refused(response: Response, tried: str, because: str) -> None:
    """The spec leaves the choice between 400 and 422 to the service."""
    message = f"{tried} answered {response.status}, expected 400 or 422: {because}."
    if response.status >= 500:
        message += " A 5xx status says that the server broke, not that the client made a mistake."
    response.expect_status(*REFUSED, message=message)


def expect_article(found: Any, wanted: Article, where: str) -> None:
    """Check that `found` is the wanted article; `where` says in which answer it was seen."""
    if not isinstance(found, dict):
        fail(
            f"{where}: expected a JSON object, the article.",
            expected="{...}",
            actual=in_short(found),
        )
    inner = [value for value in found.values() if isinstance(value, dict) and "title" in value]
    if "title" not in found and inner:
        fail(
            f"{where}: the article is wrapped in another object. The contract has its fields at "
            "the top.",
            expected='{"id": …, "title": …, …}',
            actual=in_short(found),
        )
    if found.get("id") != wanted.id:
        fail(f"{where}: the id is not right.", expected=wanted.id, actual=found.get("id"))
    expect_content(found, wanted, where)


def expect_content(found: dict[str, Any], wanted: Article, where: str) -> None:
    """Check the three fields that clients set; the order of tags does not matter."""
    for name in FIELDS:
        expected, actual = getattr(wanted, name), found.get(name)
        if name == "tags" and isinstance(actual, list):
            same = sorted(map(str, actual)) == sorted(expected)
        else:
            same = actual == expected
        if not same:
            missing = " The answer has no such field." if name not in found else ""
            fail(f"{where}: “{name}” is not right.{missing}", expected=expected, actual=actual)


def fetch(service: Service, article: Article) -> dict[str, Any]:
    """GET an article that must be there."""
    response = service.get(article.path)
    response.expect_status(
        200, message=f"GET {article.path} answered {response.status}, expected 200."
    )
    return response.json_object()


def instant(text: object) -> datetime | None:
    """Return the moment that an RFC 3339 text names, or None where it is not one."""
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def same_instant(left: object, right: object) -> bool:
    """Compare two times; texts that are no RFC 3339 times are compared as they are."""
    first, second = instant(left), instant(right)
    return left == right if first is None or second is None else first == second
