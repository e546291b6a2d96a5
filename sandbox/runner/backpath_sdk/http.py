"""The HTTP client of the runner: one connection a request, everything bounded.

Built on h11 and a plain socket, since the answers are hostile: no redirects, no proxies, no
content decoding, a cap on headers and body, and one deadline for the whole exchange however
slowly the bytes drip (a general client bounds each read, not their sum).
"""

from __future__ import annotations

import json as json_module
import shlex
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import h11

from backpath_sdk import link
from backpath_sdk.expectations import CheckFailed, ServiceUnavailable
from backpath_sdk.values import JsonList, JsonObject, kind_of, parse

REQUEST_SECONDS = 5.0
MAX_BODY_BYTES = 1 << 20
MAX_HEADER_BYTES = 64 << 10
SHOWN_BODY_CHARS = 4000
SHOWN_HEADERS = 30
# What curl sends by itself, or what only makes this client's reading safe.
_UNSHOWN = frozenset({"host", "content-length", "connection", "accept-encoding"})
# What the learner sees instead of the random port of this run.
SHOWN_BASE = "http://localhost:8000"


def status_text(status: int) -> str:
    """Return `status` with its standard phrase: "404 Not Found"."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


class Headers(Mapping[str, str]):
    """Response headers; names in any case, repeated ones joined by a comma."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass
class Exchange:
    """One request and what came of it, as the report shows it."""

    method: str
    target: str
    request_headers: list[tuple[str, str]]
    request_body: bytes
    status: int | None = None
    headers: Headers = field(default_factory=lambda: Headers([]))
    body: bytes = b""
    elapsed_ms: int = 0
    error: str | None = None

    def curl(self) -> str:
        """Return the request as a curl command that can be pasted into a shell."""
        parts = ["curl", "-i"]
        if self.method == "HEAD":
            parts = ["curl", "-I"]
        elif self.method != "GET":
            parts += ["-X", self.method]
        lines = [" ".join([*parts, shlex.quote(SHOWN_BASE + self.target)])]
        lines += [
            f"-H {shlex.quote(f'{name}: {value}')}"
            for name, value in self.request_headers
            if name.lower() not in _UNSHOWN and (name, value) != ("Accept", "*/*")
        ]
        if self.request_body:
            text = self.request_body.decode("utf-8", "replace")
            if len(text) > SHOWN_BODY_CHARS:
                text = text[:SHOWN_BODY_CHARS] + "…"
            lines.append(f"--data-raw {shlex.quote(text)}")
        return " \\\n    ".join(lines)

    def as_frame(self) -> dict[str, Any]:
        """Return the exchange in the shape of the protocol, capped."""
        body = self.body.decode("utf-8", "replace")
        if len(body) > SHOWN_BODY_CHARS:
            body = f"{body[:SHOWN_BODY_CHARS]}\n… cut here: {len(self.body)} bytes in all"
        shown = list(self.headers.items())[:SHOWN_HEADERS]
        return {
            "curl": self.curl()[:16000],
            "method": self.method[:20],
            "path": self.target[:4000],
            "status": self.status,
            "response_headers": {name[:200]: value[:1000] for name, value in shown},
            "response_body": body,
            "elapsed_ms": self.elapsed_ms,
            "error": self.error,
        }


class Response:
    """What the service answered. Its `expect_*` and `json*` methods fail the check when the
    answer is not what the spec asks for."""

    def __init__(self, exchange: Exchange) -> None:
        if exchange.status is None:
            raise ValueError("an exchange without an answer is no response")
        self._exchange = exchange
        self.status: int = exchange.status
        self.headers = exchange.headers
        self.body = exchange.body
        self.elapsed_ms = exchange.elapsed_ms

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not becomes replacement characters."""
        return self.body.decode("utf-8", "replace")

    @property
    def request(self) -> str:
        """The request in short: "POST /articles"."""
        return f"{self._exchange.method} {self._exchange.target}"

    def expect_status(self, *codes: int, message: str | None = None) -> Response:
        """Fail unless the status is one of `codes`; return the response."""
        if self.status not in codes:
            wanted = " or ".join(str(code) for code in codes)
            raise CheckFailed(
                message or f"{self.request} answered {self.status}; the spec asks for {wanted}.",
                expected=" or ".join(status_text(code) for code in codes),
                actual=status_text(self.status),
            )
        return self

    def expect_header(self, name: str, value: str | None = None) -> str:
        """Fail unless the header is there (and equals `value`, if given); return its value."""
        actual = self.headers.get(name)
        if actual is None:
            raise CheckFailed(
                f"The answer to {self.request} has no `{name}` header.",
                expected=f"{name}: {value or '…'}",
                actual="\n".join(f"{key}: {item}" for key, item in self.headers.items()),
            )
        if value is not None and actual != value:
            raise CheckFailed(
                f"The `{name}` header of the answer to {self.request} is not the expected one.",
                expected=f"{name}: {value}",
                actual=f"{name}: {actual}",
            )
        return actual

    def json(self) -> Any:
        """Return the body as JSON; objects and lists in it explain what they lack."""
        return parse(self.text)

    def json_object(self) -> JsonObject:
        """Return the body, which must be a JSON object."""
        value: JsonObject = self._json_of(JsonObject, "an object")
        return value

    def json_list(self) -> JsonList:
        """Return the body, which must be a JSON list."""
        value: JsonList = self._json_of(JsonList, "a list")
        return value

    def _json_of(self, kind: type[Any], name: str) -> Any:
        value = self.json()
        if not isinstance(value, kind):
            raise CheckFailed(
                f"The answer to {self.request} is {kind_of(value)}, not {name}.",
                expected=name,
                actual=self.text[:2000],
            )
        return value


class AppDialer:
    """Connects to a port of the app's loopback interface, in its own container."""

    def begin(self, port: int, seconds: float) -> socket.socket:
        """Return a socket that may be written to at once. Raises OSError."""
        stream = link.begin({"to": "port", "port": port})
        stream.settimeout(seconds)
        return stream

    def confirm(self, stream: socket.socket) -> None:
        """Wait until the connection is accepted. Raises OSError when it is not."""
        link.confirm(stream)


class HttpClient:
    """Requests to one port of the app; every exchange is kept for the report."""

    def __init__(self, port: int, dialer: AppDialer | None = None) -> None:
        self.port = port
        self._dialer = dialer or AppDialer()
        self.exchanges: list[Exchange] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float = REQUEST_SECONDS,
        record: bool = True,
    ) -> Response:
        """Send one request and return the answer.

        `json` sends a JSON body, `data` raw bytes or text; not both. `path` begins with a
        slash; non-ASCII characters in it are percent-encoded. Raises ServiceUnavailable when
        nothing listens, the connection breaks or the deadline passes, and CheckFailed when the
        answer is not HTTP or too large.
        """
        exchange = _build(method, path, json, data, headers, params)
        if record:
            self.exchanges.append(exchange)
        started = time.monotonic()
        try:
            self._send(exchange, started + timeout_seconds)
        except CheckFailed as failure:
            exchange.error = failure.message
            raise
        except TimeoutError:
            exchange.error = f"no complete answer within {timeout_seconds:g} s"
            raise ServiceUnavailable(
                f"{method} {path} got no complete answer within {timeout_seconds:g} s."
            ) from None
        except OSError as error:
            exchange.error = error.strerror or "the connection broke"
            raise ServiceUnavailable(
                f"{method} {path} got no answer: {exchange.error.lower()}."
            ) from None
        finally:
            exchange.elapsed_ms = int((time.monotonic() - started) * 1000)
        return Response(exchange)

    def _send(self, exchange: Exchange, deadline: float) -> None:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
        with self._dialer.begin(self.port, _left(deadline)) as stream:
            request = h11.Request(
                method=exchange.method, target=exchange.target, headers=exchange.request_headers
            )
            data = connection.send(request) or b""
            if exchange.request_body:
                data += connection.send(h11.Data(data=exchange.request_body)) or b""
            data += connection.send(h11.EndOfMessage()) or b""
            with suppress(BrokenPipeError, ConnectionResetError):
                # A server may answer and close before it has read everything.
                stream.sendall(data)
            stream.settimeout(_left(deadline))
            self._dialer.confirm(stream)
            try:
                _receive(connection, stream, exchange, deadline)
            except h11.RemoteProtocolError as error:
                raise CheckFailed(
                    f"The answer to {exchange.method} {exchange.target} is not valid HTTP: {error}."
                ) from None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _receive(
    connection: h11.Connection, stream: socket.socket, exchange: Exchange, deadline: float
) -> None:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            stream.settimeout(_left(deadline))
            data = stream.recv(1 << 16)
            if not data and exchange.status is None:
                raise ConnectionResetError(None, "the connection was closed without an answer")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            exchange.status = event.status_code
            exchange.headers = Headers(
                [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            )
        elif isinstance(event, h11.Data):
            body += event.data
            exchange.body = bytes(body[:MAX_BODY_BYTES])
            if len(body) > MAX_BODY_BYTES:
                raise CheckFailed(
                    f"The answer to {exchange.method} {exchange.target} is larger than 1 MiB."
                )
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return


def _build(
    method: str,
    path: str,
    json: Any,
    data: bytes | str | None,
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any] | None,
) -> Exchange:
    if json is not None and data is not None:
        raise TypeError("give json or data, not both")
    if not path.startswith("/"):
        raise ValueError(f"a path begins with a slash: {path!r}")
    target = quote(path, safe="/%:?&=@!$'()*+,;~#[]-._")
    if params:
        target += ("&" if "?" in target else "?") + urlencode(dict(params), doseq=True)
    body = b""
    given = {name.lower() for name in headers or {}}
    pairs = [("Host", "localhost"), ("Connection", "close"), ("Accept-Encoding", "identity")]
    if "accept" not in given:
        pairs.append(("Accept", "*/*"))
    if json is not None:
        body = json_module.dumps(json, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if "content-type" not in given:
            pairs.append(("Content-Type", "application/json"))
    elif data is not None:
        body = data.encode() if isinstance(data, str) else data
    pairs += list((headers or {}).items())
    if body or method in ("POST", "PUT", "PATCH"):
        pairs.append(("Content-Length", str(len(body))))
    return Exchange(method=method, target=target, request_headers=pairs, request_body=body)
