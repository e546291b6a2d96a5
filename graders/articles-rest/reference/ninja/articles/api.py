"""The operations of the API."""

from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import NinjaAPI, Path, Query

from . import errors
from .errors import Error, TitleTaken
from .models import Article, Tag
from .schemas import ArticleChanges, ArticleIn, ArticleOut, ArticlePage, ListQuery

api = NinjaAPI(title="Articles API", version="1.0.0", urls_namespace="articles", docs_url=None)
errors.install(api)

ArticleId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@api.get("/health", include_in_schema=False)
def health(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok"}


@api.get("/articles", response={200: ArticlePage, 422: Error})
def list_articles(request: HttpRequest, query: Query[ListQuery]) -> dict[str, Any]:
    articles = _articles()
    if query.tag is not None:
        articles = articles.filter(tags__name=query.tag)
    minus = "-" if query.sort.startswith("-") else ""
    start = (query.page - 1) * query.per_page
    return {
        "items": articles.order_by(query.sort, f"{minus}id")[start : start + query.per_page],
        "total": articles.count(),
        "page": query.page,
        "per_page": query.per_page,
    }


@api.post("/articles", response={201: ArticleOut, 400: Error, 409: Error, 422: Error})
def create_article(
    request: HttpRequest, fields: ArticleIn, response: HttpResponse
) -> tuple[int, Article]:
    article = _save(Article(), fields.dict())
    response["Location"] = reverse("articles:get_article", args=[article.pk])
    return 201, article


@api.get("/articles/{article_id}", response={200: ArticleOut, 404: Error, 422: Error})
def get_article(request: HttpRequest, article_id: ArticleId) -> Article:
    return get_object_or_404(_articles(), pk=article_id)


@api.put(
    "/articles/{article_id}",
    response={200: ArticleOut, 400: Error, 404: Error, 409: Error, 422: Error},
)
def replace_article(request: HttpRequest, article_id: ArticleId, fields: ArticleIn) -> Article:
    return _save(get_object_or_404(Article, pk=article_id), fields.dict())


@api.patch(
    "/articles/{article_id}",
    response={200: ArticleOut, 400: Error, 404: Error, 409: Error, 422: Error},
)
def change_article(request: HttpRequest, article_id: ArticleId, changes: ArticleChanges) -> Article:
    sent = changes.dict(exclude_unset=True)
    return _save(get_object_or_404(Article, pk=article_id), sent)


@api.delete("/articles/{article_id}", response={204: None, 404: Error, 422: Error})
def delete_article(request: HttpRequest, article_id: ArticleId) -> tuple[int, None]:
    get_object_or_404(Article, pk=article_id).delete()
    return 204, None


def _articles() -> QuerySet[Article]:
    return Article.objects.prefetch_related("tags")


def _save(article: Article, fields: dict[str, Any]) -> Article:
    """Set the given fields and store the article with its tags, or nothing at all."""
    names = fields.pop("tags", None)
    for name, value in fields.items():
        setattr(article, name, value)
    try:
        with transaction.atomic():
            article.save()
            if names is not None:
                article.tags.set(Tag.objects.get_or_create(name=name)[0] for name in names)
    except IntegrityError:
        raise TitleTaken from None
    return article
