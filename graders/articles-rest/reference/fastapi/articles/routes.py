"""The operations of the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from . import store
from .database import Database
from .errors import documented
from .schemas import Article, ArticleChanges, ArticleIn, ArticlePage, ListQuery

router = APIRouter()

ArticleId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/articles", responses=documented(422))
def list_articles(query: Annotated[ListQuery, Query()], database: Database) -> ArticlePage:
    items, total = store.list_articles(database, query)
    return ArticlePage(items=items, total=total, page=query.page, per_page=query.per_page)


@router.post("/articles", status_code=201, responses=documented(409, 422))
def create_article(
    fields: ArticleIn, request: Request, response: Response, database: Database
) -> Article:
    article = store.create_article(database, fields.model_dump())
    response.headers["Location"] = request.url_for("get_article", article_id=article.id).path
    return article


@router.get("/articles/{article_id}", responses=documented(404, 422))
def get_article(article_id: ArticleId, database: Database) -> Article:
    return store.get_article(database, article_id)


@router.put("/articles/{article_id}", responses=documented(404, 409, 422))
def replace_article(article_id: ArticleId, fields: ArticleIn, database: Database) -> Article:
    return store.update_article(database, article_id, fields.model_dump())


@router.patch("/articles/{article_id}", responses=documented(404, 409, 422))
def change_article(article_id: ArticleId, changes: ArticleChanges, database: Database) -> Article:
    sent = changes.model_dump(exclude_unset=True)
    return store.update_article(database, article_id, sent)


@router.delete("/articles/{article_id}", status_code=204, responses=documented(404, 422))
def delete_article(article_id: ArticleId, database: Database) -> None:
    store.delete_article(database, article_id)
