"""What goes in and what comes out."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from .models import Article

Title = Annotated[str, Field(min_length=1, max_length=120)]


class ArticleIn(Schema):
    """The whole article, as POST and PUT send it."""

    title: Title
    body: str
    tags: list[str]


class ArticleChanges(Schema):
    """Some fields of an article, as PATCH sends it.

    The defaults are never used: only the fields that were sent are read. They make a field
    optional without making null a value.
    """

    title: Title = ""
    body: str = ""
    tags: list[str] = []


class ArticleOut(Schema):
    id: int
    title: str
    body: str
    tags: list[str]
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_tags(article: Article) -> list[str]:
        return [tag.name for tag in article.tags.all()]


class ArticlePage(Schema):
    items: list[ArticleOut]
    total: int
    page: int
    per_page: int


class ListQuery(Schema):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 20
    tag: str | None = None
    sort: Literal["created_at", "-created_at", "title", "-title"] = "-created_at"
