"""Every line of SQL, and the two errors that it can end in."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from .errors import NotFound, TitleTaken
from .schemas import Article, ListQuery

ORDERS = {
    "created_at": "created_at, id",
    "-created_at": "created_at DESC, id DESC",
    "title": "title, id",
    "-title": "title DESC, id DESC",
}


def list_articles(database: sqlite3.Connection, query: ListQuery) -> tuple[list[Article], int]:
    where, values = "", []
    if query.tag is not None:
        where = "WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)"
        values = [query.tag]
    total = database.execute(f"SELECT count(*) FROM articles {where}", values).fetchone()[0]
    rows = database.execute(
        f"SELECT * FROM articles {where} ORDER BY {ORDERS[query.sort]} LIMIT ? OFFSET ?",
        [*values, query.per_page, (query.page - 1) * query.per_page],
    )
    return [_article(row) for row in rows], total


def get_article(database: sqlite3.Connection, article_id: int) -> Article:
    row = database.execute("SELECT * FROM articles WHERE id = ?", [article_id]).fetchone()
    if row is None:
        raise NotFound(f"There is no article {article_id}.")
    return _article(row)


def create_article(database: sqlite3.Connection, fields: dict[str, Any]) -> Article:
    values = {**fields, "tags": json.dumps(fields["tags"]), "now": datetime.now(UTC).isoformat()}
    cursor = _write(
        database,
        "INSERT INTO articles (title, body, tags, created_at, updated_at) "
        "VALUES (:title, :body, :tags, :now, :now)",
        values,
    )
    return get_article(database, cursor.lastrowid or 0)


def update_article(
    database: sqlite3.Connection, article_id: int, fields: dict[str, Any]
) -> Article:
    """Change the named fields and leave the others; PUT names all of them."""
    merged = get_article(database, article_id).model_dump() | fields
    values = {**merged, "tags": json.dumps(merged["tags"]), "now": datetime.now(UTC).isoformat()}
    _write(
        database,
        "UPDATE articles SET title = :title, body = :body, tags = :tags, updated_at = :now "
        "WHERE id = :id",
        values,
    )
    return get_article(database, article_id)


def delete_article(database: sqlite3.Connection, article_id: int) -> None:
    cursor = _write(database, "DELETE FROM articles WHERE id = :id", {"id": article_id})
    if cursor.rowcount == 0:
        raise NotFound(f"There is no article {article_id}.")


def _write(database: sqlite3.Connection, sql: str, values: dict[str, Any]) -> sqlite3.Cursor:
    try:
        with database:
            return database.execute(sql, values)
    except sqlite3.IntegrityError:
        raise TitleTaken("Another article has this title.") from None


def _article(row: sqlite3.Row) -> Article:
    return Article.model_validate({**row, "tags": json.loads(row["tags"])})
