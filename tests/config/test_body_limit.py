"""No request body beyond the limit reaches Django, announced or not."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from backpath.config.body_limit import BodyLimit


async def count_body(_scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the length of what it was sent."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def ask(chunks: Iterable[bytes], *, length: bytes | None = None) -> tuple[int, bytes, int]:
    """Send `chunks` to a site that reads 100 bytes; status, body and chunks taken."""
    left = list(chunks)
    total = len(left)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "headers": headers}
    asyncio.run(BodyLimit(count_body, 100)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], total - len(left)


def test_a_body_within_the_limit_passes() -> None:
    assert ask([b"x" * 60, b"y" * 40], length=b"100") == (200, b"100", 2)


def test_an_announced_length_beyond_it_is_refused_unread() -> None:
    status, words, taken = ask([b"x"], length=b"101")
    assert (status, taken) == (413, 0)
    assert b"Nothing was stored" in words


@pytest.mark.parametrize("length", [None, b"5", b"nonsense"])
def test_more_than_was_announced_is_refused_on_the_way(length: bytes | None) -> None:
    status, _words, taken = ask([b"x" * 60] * 50, length=length)
    assert (status, taken) == (413, 2)


def test_other_protocols_pass_untouched() -> None:
    seen = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(BodyLimit(application)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
