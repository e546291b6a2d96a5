"""The database: one SQLite file in DATA_DIR."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends

PATH = Path(os.environ.get("DATA_DIR", "data")) / "articles.sqlite3"

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


def create_tables() -> None:
    PATH.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(PATH)
    connection.execute(SCHEMA)
    connection.close()


def open_connection() -> Iterator[sqlite3.Connection]:
    """One connection a request. FastAPI may open and use it in different threads, in turn."""
    connection = sqlite3.connect(PATH, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()


Database = Annotated[sqlite3.Connection, Depends(open_connection)]
