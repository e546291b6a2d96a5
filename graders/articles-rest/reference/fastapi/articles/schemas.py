"""What goes in and what comes out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Title = Annotated[str, Field(min_length=1, max_length=120)]
Sort = Literal["created_at", "-created_at", "title", "-title"]


class ArticleIn(BaseModel):
    """The whole article, as POST and PUT send it."""

    title: Title
    body: str
    tags: list[str]


class ArticleChanges(BaseModel):
    """Some fields of an article, as PATCH sends it.

    The defaults are never used: only the fields that were sent are read. They make a field
    optional without making null a value.
    """

    title: Title = ""
    body: str = ""
    tags: list[str] = []


class Article(BaseModel):
    id: int
    title: str
    body: str
    tags: list[str]
    created_at: datetime
    updated_at: datetime


class ArticlePage(BaseModel):
    items: list[Article]
    total: int
    page: int
    per_page: int


class ListQuery(BaseModel):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 20
    tag: str | None = None
    sort: Sort = "-created_at"
