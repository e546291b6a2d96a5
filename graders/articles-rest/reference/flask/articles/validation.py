"""What a request may say. Everything else is refused before it reaches the store."""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Invalid

MAX_TITLE = 120
MAX_PER_PAGE = 100
SORTS = ("created_at", "-created_at", "title", "-title")


def _title(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TITLE:
        raise Invalid(f"title must be a text of 1 to {MAX_TITLE} characters.")
    return value


def _body(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("body must be a text.")
    return value


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Invalid("tags must be a list of texts.")
    return value


FIELDS = {"title": _title, "body": _body, "tags": _tags}


def changed_fields(data: object) -> dict:
    """Check a PATCH: some of the fields."""
    if not isinstance(data, dict):
        raise Invalid("The body must be a JSON object.")
    return {name: check(data[name]) for name, check in FIELDS.items() if name in data}


def article_fields(data: object) -> dict:
    """Check a POST or PUT: all of the fields."""
    fields = changed_fields(data)
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise Invalid(f"Missing: {', '.join(missing)}.")
    return fields


@dataclass(frozen=True)
class Query:
    page: int
    per_page: int
    tag: str | None
    sort: str


def article_query(args: Mapping[str, str]) -> Query:
    """Check the query of the collection."""
    sort = args.get("sort", "-created_at")
    if sort not in SORTS:
        raise Invalid(f"sort must be one of {', '.join(SORTS)}.")
    return Query(
        page=_positive(args, "page", 1),
        per_page=min(_positive(args, "per_page", 20), MAX_PER_PAGE),
        tag=args.get("tag"),
        sort=sort,
    )


def _positive(args: Mapping[str, str], name: str, default: int) -> int:
    text = args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1):
        raise Invalid(f"{name} must be a whole number of 1 or more.")
    return int(text)
