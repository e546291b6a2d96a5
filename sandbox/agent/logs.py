"""The tail of what the learner's service prints."""

from __future__ import annotations

from collections import deque

LOG_BYTES = 64 << 10


class LogBuffer:
    """Keeps the tail of everything the service prints; the rest is drained and counted."""

    def __init__(self, limit: int = LOG_BYTES) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._limit = limit
        self.total = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`, forgetting the oldest bytes beyond the limit."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        self.total += len(chunk)
        while self._size - len(self._chunks[0]) >= self._limit:
            self._size -= len(self._chunks.popleft())

    def tail(self, lines: int) -> str:
        """Return the last `lines` lines."""
        data = b"".join(self._chunks)[-self._limit :]
        return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])
