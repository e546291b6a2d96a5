"""A bound on request bodies, before Django writes them to a temporary file.

Django's ASGI handler reads a body whole before any view or middleware can look at its size,
so without this anybody could fill the disk. Pages with a tighter limit say so themselves.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
_WORDS: Final = b"The upload is larger than this site reads at all. Nothing was stored.\n"


class _BodyTooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware: answers 413 to a body of more than `max_bytes`, announced or not."""

    def __init__(self, application: Application, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._application = application
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _announced_length(scope) > self._max_bytes:
            await _refuse(send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise _BodyTooLarge
            return message

        try:
            await self._application(scope, counted, send)
        except _BodyTooLarge:
            await _refuse(send)


def _announced_length(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(_WORDS)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _WORDS})
