"""Articles in SQLite."""

import json
import sqlite3
from datetime import UTC, datetime

from flask import Flask, current_app, g

from .errors import NotFound, TitleTaken
from .validation import Query

# AUTOINCREMENT: without it, SQLite gives the highest id again once its row is deleted.
SCHEMA = """
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
)
"""
ORDERS = {
    "created_at": "created_at, id",
    "-created_at": "created_at DESC, id DESC",
    "title": "title, id",
    "-title": "title DESC, id DESC",
}


def init_app(app: Flask) -> None:
    app.config["DATABASE"].parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(app.config["DATABASE"]) as connection:
        connection.execute(SCHEMA)
    connection.close()
    app.teardown_appcontext(_close)


def list_articles(query: Query) -> tuple[list[dict], int]:
    where, values = "", []
    if query.tag is not None:
        where = "WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)"
        values = [query.tag]
    total = _connection().execute(f"SELECT count(*) FROM articles {where}", values).fetchone()[0]
    rows = _connection().execute(
        f"SELECT * FROM articles {where} ORDER BY {ORDERS[query.sort]} LIMIT ? OFFSET ?",
        [*values, query.per_page, (query.page - 1) * query.per_page],
    )
    return [_article(row) for row in rows], total


def get_article(article_id: int) -> dict:
    row = _connection().execute("SELECT * FROM articles WHERE id = ?", [article_id]).fetchone()
    if row is None:
        raise NotFound(f"There is no article {article_id}.")
    return _article(row)


def create_article(fields: dict) -> dict:
    now = _now()
    cursor = _write(
        "INSERT INTO articles (title, body, tags, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        [fields["title"], fields["body"], json.dumps(fields["tags"]), now, now],
    )
    return get_article(cursor.lastrowid)


def update_article(article_id: int, fields: dict) -> dict:
    """Change the named fields and leave the others; PUT names all of them."""
    article = get_article(article_id) | fields
    _write(
        "UPDATE articles SET title = ?, body = ?, tags = ?, updated_at = ? WHERE id = ?",
        [article["title"], article["body"], json.dumps(article["tags"]), _now(), article_id],
    )
    return get_article(article_id)


def delete_article(article_id: int) -> None:
    if _write("DELETE FROM articles WHERE id = ?", [article_id]).rowcount == 0:
        raise NotFound(f"There is no article {article_id}.")


def _write(sql: str, values: list) -> sqlite3.Cursor:
    try:
        with _connection() as connection:
            return connection.execute(sql, values)
    except sqlite3.IntegrityError:
        raise TitleTaken("Another article has this title.") from None


def _connection() -> sqlite3.Connection:
    if "connection" not in g:
        g.connection = sqlite3.connect(current_app.config["DATABASE"])
        g.connection.row_factory = sqlite3.Row
    return g.connection


def _close(_error: BaseException | None = None) -> None:
    if "connection" in g:
        g.pop("connection").close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _article(row: sqlite3.Row) -> dict:
    return {**row, "tags": json.loads(row["tags"])}
