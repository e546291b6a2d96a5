"""A service of the standard library, for attacks to stand on.

`Broken` answers /health and is wrong about everything else: 20 points. `Honest` answers all that
can be answered: 80. An attack overrides `answer`, which gets every request but GET /health.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Broken(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def reply(self, status=200, value=None, headers=()):
        body = json.dumps({} if value is None else value).encode()
        self.send_response(status)
        for name, item in headers:
            self.send_header(name, item)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def raw(self, data):
        """Send `data` in place of an answer."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        if self.path == "/health":
            return self.health()
        self.answer()

    def do_POST(self):
        self.answer()

    def health(self):
        self.reply(200, {"ok": True})

    def answer(self):
        self.reply(200, {})


class Honest(Broken):
    def answer(self):
        url = urlsplit(self.path)
        if url.path.startswith("/echo/"):
            self.reply(200, {"word": url.path.removeprefix("/echo/")})
        elif url.path == "/numbers":
            self.reply(200, list(range(int(parse_qs(url.query)["size"][0]))))
        elif url.path == "/sum":
            given = json.loads(self.body())
            self.reply(200, {"sum": given["one"] + given["other"]})
        else:
            self.reply(404, {})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


def serve(handler):
    Server(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()
