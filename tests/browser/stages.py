"""Attempts at the project `articles-rest`, staged: what is handed in, and what comes of it."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

PROJECT = "articles-rest"

APP = '''"""Articles over HTTP."""

from flask import Flask, request

app = Flask(__name__)
articles: dict[int, dict] = {}


@app.get("/health")
def health():
    return {"status": "ok"}


@app.patch("/articles/<int:article_id>")
def patch_article(article_id):
    article = articles[article_id]
    data = request.get_json()
    article["title"] = data.get("title")
    article["body"] = data.get("body")
    article["tags"] = data.get("tags", [])
    return article
'''

LOG = """\
[2026-11-22 09:14:03 +0000] [7] [INFO] Starting gunicorn 23.0.0
[2026-11-22 09:14:03 +0000] [7] [INFO] Listening at: http://127.0.0.1:8000 (7)
[2026-11-22 09:14:03 +0000] [9] [INFO] Booting worker with pid: 9
[2026-11-22 09:14:03 +0000] [9] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker
    worker.init_process()
  File "/app/articles/__init__.py", line 3, in <module>
    from articles.storage import Storage
ModuleNotFoundError: No module named 'articles.storage'
[2026-11-22 09:14:03 +0000] [9] [INFO] Worker exiting (pid: 9)
[2026-11-22 09:14:04 +0000] [7] [ERROR] Worker (pid:9) exited with code 3
[2026-11-22 09:14:04 +0000] [7] [ERROR] Shutting down: Master
"""


def exchange(
    method: str, path: str, status: int | None, body: Any, **changes: Any
) -> dict[str, Any]:
    """One exchange as the grader's SDK reports it."""
    sent = changes.pop("sent", None)
    verb = "" if method == "GET" else f" -X {method}"
    curl = f"curl -i{verb} http://localhost:8000{path}"
    if sent is not None:
        curl += (
            f" \\\n    -H 'Content-Type: application/json' \\\n    --data-raw '{json.dumps(sent)}'"
        )
    return {
        "curl": curl,
        "method": method,
        "path": path,
        "status": status,
        "response_headers": {"content-type": "application/json", "server": "waitress"},
        "response_body": "" if body is None else json.dumps(body),
        "elapsed_ms": 14,
        "error": None,
        **changes,
    }


FULL = {
    "id": 7,
    "title": "Stock, twice strained",
    "body": "Roast the bones first.",
    "tags": ["stock", "basics"],
}
WIPED = {"id": 7, "title": "Stock, twice strained", "body": None, "tags": []}
CREATED = FULL | {"title": "Stock"}


def failed(message: str, **fields: Any) -> dict[str, Any]:
    return {"outcome": "failed", "message": message, **fields}


def near_miss() -> dict[str, Any]:
    """78 of 100: PATCH wipes fields, and smaller things fail behind it."""
    created = {key: CREATED[key] for key in ("title", "body", "tags")}
    checks: dict[str, Any] = {
        "patch.merges": failed(
            "`PATCH` with only a new title came back without the body and the tags. "
            "A `GET` right after it gave the same, so the loss was saved.",
            expected=json.dumps(FULL),
            actual=json.dumps(WIPED),
            exchanges=[
                exchange("POST", "/articles", 201, CREATED, sent=created),
                exchange("PATCH", "/articles/7", 200, WIPED, sent={"title": FULL["title"]}),
            ],
        ),
        "patch.null-rejected": failed(
            "`null` for the title was taken.",
            expected="400 or 422",
            actual="200",
            exchanges=[exchange("PATCH", "/articles/7", 200, WIPED, sent={"title": None})],
        ),
        "methods.405-allow": {
            "outcome": "timed_out",
            "message": "The check was not done after 10 s.",
            "exchanges": [
                exchange(
                    "DELETE",
                    "/articles",
                    None,
                    None,
                    error="It did not answer within 5 s.",
                    elapsed_ms=5_000,
                )
            ],
        },
        "persistence.survives-restart": failed(
            "After a restart the article was gone.",
            expected="200",
            actual="404",
            output="Traceback (most recent call last):\n  KeyError: 7",
        ),
    }
    for name in (
        "patch.updated-at",
        "patch.conflict-409",
        "delete.204-empty",
        "delete.twice-404",
        "safe.get-is-safe",
        "errors.validation",
        "errors.conflict",
        "contract.error-shape-documented",
    ):
        checks[name] = failed("The answer is not what the contract says.")
    return {"checks": checks}


def earlier() -> dict[str, Any]:
    """Weaker than `near_miss`, but for one check that passes here and fails there."""
    checks = near_miss()["checks"]
    del checks["errors.conflict"]
    for name in ("replace.200", "replace.stored", "replace.idempotent", "list.total-counts-all"):
        checks[name] = failed("Answered 405 where the contract has a change.")
    return {"checks": checks}


def one_in_the_way() -> dict[str, Any]:
    """One early failure that many checks wait for."""
    waiting = [
        *("read.times", "read.content-type", "read.unknown-404", "read.non-numeric-id"),
        *("replace.stored", "replace.missing-field-rejected", "replace.keeps-identity"),
        *("patch.merges", "patch.null-rejected", "patch.updated-at"),
        *("delete.gone", "delete.id-not-reused", "safe.get-is-safe", "errors.not-found"),
        "contract.documented-statuses-match-observed",
        "contract.schema-matches-a-real-response",
        "persistence.survives-restart",
    ]
    item = failed(
        "The article has other tags than it was created with.",
        expected=json.dumps(FULL),
        actual=json.dumps(FULL | {"tags": "stock, basics"}),
        exchanges=[exchange("GET", "/articles/7", 200, FULL | {"tags": "stock, basics"})],
    )
    checks = {name: {"outcome": "not_reached"} for name in waiting}
    return {"checks": {**checks, "read.item": item}}


def met_a_limit() -> dict[str, Any]:
    """A few failures, and a limit that may explain them."""
    checks = {
        name: failed("The service closed the connection without an answer.")
        for name in ("create.201", "list.total-counts-all")
    }
    limit = {"kind": "processes", "limit": 128, "used": 128, "unit": "processes"}
    return {"checks": checks, "limit": limit}


def ran_out_of_memory() -> dict[str, Any]:
    limit = {"kind": "memory", "limit": 512.0, "used": 511.9, "unit": "MiB"}
    return {"status": "out_of_memory", "stop_after": 9, "limit": limit}


def did_not_start() -> dict[str, Any]:
    return {"status": "app_not_ready", "stop_after": 0, "log": LOG}


def make_zip(stage: Mapping[str, Any], **files: str) -> bytes:
    """An archive to hand in that brings `stage` about."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"app.py": APP, "Procfile": "web: flask run\n", **files}.items():
            archive.writestr(name, content)
        archive.writestr("stage.json", json.dumps(stage))
    return target.getvalue()
