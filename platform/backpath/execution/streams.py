"""The attached standard streams of one container, as frames in and messages out."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

from backpath.execution.protocol import FrameReader, ProtocolError
from backpath.execution.text import clean_text

# Docker's stream multiplexing: one byte of stream, three of nothing, four of length.
_MULTIPLEX = struct.Struct(">BxxxI")
_STDOUT, _STDERR = 1, 2
_STDERR_TAIL_BYTES = 8192
# Endless output on stderr is drained up to here, then the stream is given up as hostile.
MAX_STDERR_BYTES = 8 << 20
SEND_TIMEOUT_SECONDS = 60.0


class Closed:
    """The end of a container's output; `error` says whether it broke the protocol."""

    def __init__(self, error: ProtocolError | None = None) -> None:
        self.error = error


class ContainerStream:
    """Reads one container in a thread and puts what it says on a shared queue.

    Items of the queue are (role, message) pairs, where message is a validated dict or `Closed`.
    """

    def __init__(
        self,
        role: str,
        sock: socket.socket,
        inbox: queue.Queue[tuple[str, dict[str, Any] | Closed]],
    ) -> None:
        self._role = role
        self._socket = sock
        self._inbox = inbox
        self._stderr = bytearray()
        self._stderr_total = 0
        self._reader = FrameReader()
        threading.Thread(target=self._read, name=f"sandbox-{role}", daemon=True).start()

    def send(self, data: bytes) -> None:
        """Write `data` to the container's standard input. Raises OSError."""
        self._socket.settimeout(SEND_TIMEOUT_SECONDS)
        self._socket.sendall(data)

    def close(self) -> None:
        """Let go of the container: its standard input ends."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def stderr_tail(self) -> str:
        """The last of what the container wrote to standard error, for operators."""
        return clean_text(self._stderr.decode("utf-8", "replace"))

    def _read(self) -> None:
        error = None
        try:
            while (header := self._read_exactly(_MULTIPLEX.size)) is not None:
                stream, size = _MULTIPLEX.unpack(header)
                payload = self._read_exactly(size)
                if payload is None:
                    break
                if stream == _STDERR:
                    self._keep_stderr(payload)
                elif stream == _STDOUT:
                    for message in self._reader.feed(payload):
                        self._inbox.put((self._role, message))
        except ProtocolError as broken:
            error = broken
        finally:
            # Also for a bug of ours, which the thread then reports: nobody waits for it in vain.
            self._inbox.put((self._role, Closed(error)))

    def _read_exactly(self, size: int) -> bytes | None:
        # Docker's own daemon writes the headers, in pieces of at most 32 KiB.
        data = bytearray()
        while len(data) < size:
            try:
                chunk = self._socket.recv(min(size - len(data), 1 << 16))
            except TimeoutError:
                continue
            except OSError:
                # Closed under us, or the Engine is gone: the stream has ended either way.
                return None
            if not chunk:
                return None
            data += chunk
        return bytes(data)

    def _keep_stderr(self, payload: bytes) -> None:
        self._stderr_total += len(payload)
        if self._stderr_total > MAX_STDERR_BYTES:
            raise ProtocolError("size_cap", f"more than {MAX_STDERR_BYTES} bytes on stderr")
        self._stderr += payload
        del self._stderr[:-_STDERR_TAIL_BYTES]
