"""The articles service, at its very beginning.

It runs with Python's standard library alone. Build on it, or put a framework in its place: the
contract is in terms of HTTP, so nothing of this file needs to stay.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = int(os.environ.get("PORT", "8000"))
DATA_DIR = Path(os.environ.get("DATA_DIR", "data"))


class Handler(BaseHTTPRequestHandler):
    """Answers one request at a time; the server makes one handler for each connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        else:
            self.answer(404, {"detail": "Nothing here yet"})

    def do_POST(self) -> None:
        self.read_body()
        self.answer(404, {"detail": "Nothing here yet"})

    # do_PUT, do_PATCH and do_DELETE are called in the same way, once you write them.

    def read_body(self) -> bytes:
        """Return the bytes that the client sent. Turning them into an article is your part."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: object) -> None:
        """Send `body` as JSON with this status."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    print(f"Listening on http://127.0.0.1:{PORT}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
