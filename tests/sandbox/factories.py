"""Small submissions, graders and requests for runs in the real sandbox."""

from __future__ import annotations

import io
import tarfile
import textwrap
from typing import Any

from backpath.execution.engine import RunRequest

PROCFILE = "web: python app.py\n"
# A server of the standard library: it starts in a tenth of a second.
SERVER = """
    import json, os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def reply(self, status, value, headers=()):
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, item in headers:
                self.send_header(name, item)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/health":
                return self.reply(200, {"ok": True})
            self.answer()

        def answer(self):
            self.reply(200, {"path": self.path})

    HANDLER

    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
LIMITS = {
    "wall_seconds": 40,
    "check_seconds": 8,
    "ready_seconds": 10,
    "app_memory_mb": 256,
    "app_pids": 64,
    "app_cpus": 1.0,
}


def make_tar(files: dict[str, str | bytes]) -> bytes:
    """Return an uncompressed tar of `files`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_app(handler: str = "", *, before: str = "") -> dict[str, str | bytes]:
    """Return a submission whose server answers /health; `handler` is the body of GET for any
    other path (it has `self`), `before` runs at import."""
    server = textwrap.dedent(SERVER)
    override = ""
    if handler:
        body = textwrap.indent(textwrap.dedent(handler).strip(), "    ")
        override = f"def answer(self):\n{body}\nHandler.answer = answer\n"
    return {
        "Procfile": PROCFILE,
        "app.py": textwrap.dedent(before) + server.replace("HANDLER", override),
    }


def make_grader(body: str) -> dict[str, str | bytes]:
    """Return a grader of one file."""
    head = "from backpath_sdk import CheckFailed, check, expect, expect_true, fail\n"
    return {"test_checks.py": head + textwrap.dedent(body)}


def make_manifest(check_ids: list[str], **options: Any) -> dict[str, Any]:
    """Return a manifest.

    `options`: gates, hidden, blocking, requires, shuffle, limits, services.
    """
    groups = list(dict.fromkeys(check_id.split(".")[0] for check_id in check_ids))
    gates = options.get("gates", [])
    return {
        "groups": [{"id": group, "gate": group in gates} for group in groups],
        "checks": [
            {
                "id": check_id,
                "requires": options.get("requires", {}).get(check_id, []),
                "hidden": check_id in options.get("hidden", []),
                "blocking": check_id in options.get("blocking", []),
            }
            for check_id in check_ids
        ],
        "limits": LIMITS | options.get("limits", {}),
        "services": options.get("services", []),
        "shuffle": options.get("shuffle", False),
    }


def make_request(
    *,
    app: dict[str, str | bytes],
    grader: dict[str, str | bytes],
    manifest: dict[str, Any],
    job_id: str = "test-job",
    seed: int = 7,
) -> RunRequest:
    """Return a request for one run."""
    return RunRequest(
        job_id=job_id,
        submission_tar=make_tar(app),
        grader_tar=make_tar(grader),
        manifest=manifest,
        seed=seed,
    )
