"""The routes: read the request, call the store, write the answer."""

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from . import store
from .validation import article_fields, article_query, changed_fields

blueprint = Blueprint("articles", __name__)

ITEM = "/articles/<int(max=2147483647):article_id>"


@blueprint.get("/health")
def health() -> dict:
    return {"status": "ok"}


@blueprint.get("/openapi.json")
def openapi() -> Response:
    return current_app.send_static_file("openapi.json")


@blueprint.get("/articles")
def list_articles() -> dict:
    query = article_query(request.args)
    items, total = store.list_articles(query)
    return {"items": items, "total": total, "page": query.page, "per_page": query.per_page}


@blueprint.post("/articles")
def create_article() -> tuple[Response, int, dict]:
    article = store.create_article(article_fields(request.get_json()))
    location = url_for("articles.get_article", article_id=article["id"])
    return jsonify(article), 201, {"Location": location}


@blueprint.get(ITEM)
def get_article(article_id: int) -> dict:
    return store.get_article(article_id)


@blueprint.put(ITEM)
def replace_article(article_id: int) -> dict:
    return store.update_article(article_id, article_fields(request.get_json()))


@blueprint.patch(ITEM)
def change_article(article_id: int) -> dict:
    return store.update_article(article_id, changed_fields(request.get_json()))


@blueprint.delete(ITEM)
def delete_article(article_id: int) -> tuple[str, int]:
    store.delete_article(article_id)
    return "", 204
