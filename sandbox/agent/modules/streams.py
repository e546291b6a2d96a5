"""Standard streams of learner code: text goes to the suite with the next message."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable

from agent.modules.captured import keep_builtins

keep_builtins(globals())

SEND_AT_CHARS = 1 << 16


class Outbox:
    """Text that learner code has written and that has not been sent yet."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._parts: list[list[str]] = []
        self._chars = 0

    def add(self, stream: str, text: str) -> None:
        """Keep `text`; much of it is sent at once."""
        with self._lock:
            if self._parts and self._parts[-1][0] == stream:
                self._parts[-1].append(text)
            else:
                self._parts.append([stream, text])
            self._chars += len(text)
        if self._chars > SEND_AT_CHARS:
            self._send()

    def take(self) -> list[list[str]]:
        """Return [stream, text] pairs and forget them."""
        if not self._parts:
            return []
        with self._lock:
            parts, self._parts, self._chars = self._parts, [], 0
        return [[stream, "".join(texts)] for stream, *texts in parts]


class _Bytes(io.RawIOBase):
    """What `sys.stdout.buffer` is."""

    def __init__(self, text: TextOut) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raw = bytes(data)  # type: ignore[call-overload]  # any buffer, as for every raw stream
        self._text.write(raw.decode("utf-8", "replace"))
        return len(raw)


class TextOut(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of learner code."""

    def __init__(self, outbox: Outbox, stream: str) -> None:
        self._outbox = outbox
        self._stream = stream
        self.name = f"<{'stdout' if stream == 'o' else 'stderr'}>"
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the stubs
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outbox.add(self._stream, str.__str__(text))
        return len(text)


class TextIn(io.TextIOBase):
    """`sys.stdin` of learner code: asks the suite for a line."""

    def __init__(self, ask_line: Callable[[], str]) -> None:
        self._ask_line = ask_line
        self.name = "<stdin>"

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]  # size is not honoured by halves
        del size
        return self._ask_line()

    def read(self, size: int | None = -1) -> str:
        del size
        return "".join(iter(self._ask_line, ""))


def install(outbox: Outbox, ask_line: Callable[[], str]) -> None:
    """Put the streams in place of the process's own."""
    sys.stdout = sys.__stdout__ = TextOut(outbox, "o")  # type: ignore[assignment,misc]  # the point of it
    sys.stderr = sys.__stderr__ = TextOut(outbox, "e")  # type: ignore[assignment,misc]  # the point of it
    sys.stdin = sys.__stdin__ = TextIn(ask_line)  # type: ignore[assignment,misc]  # the point of it
