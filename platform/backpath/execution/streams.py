"""The attached standard streams of one container, as frames in and messages out."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from backpath.execution.protocol import FrameReader, ProtocolError, StreamPayload, encode_stream
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


Inbox = queue.Queue[tuple[str, "dict[str, Any] | Closed"]]


class ContainerStream:
    """Reads one container in a thread and puts what it says on a queue.

    Items of the queue are (role, message) pairs, where message is a validated dict or `Closed`.
    Bytes between runner and app go from thread to thread, to whoever `begin_run` was told.
    """

    def __init__(self, role: str, sock: socket.socket, inbox: Inbox | None = None) -> None:
        self._role = role
        self._socket = sock
        self._socket.settimeout(SEND_TIMEOUT_SECONDS)
        self._inbox: Inbox = inbox or queue.Queue()
        self._pass_on: Callable[[bytes], None] | None = None
        self._switching = threading.Lock()
        self._sending = threading.Lock()
        self._stderr = bytearray()
        self._stderr_total = 0
        self._reader = FrameReader()
        self._closed: Closed | None = None
        self._thread = threading.Thread(target=self._read, name=f"sandbox-{role}", daemon=True)
        self._thread.start()

    @property
    def inbox(self) -> Inbox:
        """Where messages go now."""
        return self._inbox

    @property
    def is_closed(self) -> bool:
        """Whether the container's output has ended."""
        return self._closed is not None

    def begin_run(self, inbox: Inbox, pass_on: Callable[[bytes], None]) -> None:
        """Send messages to `inbox` and the payloads of STREAM frames to `pass_on` from now on.

        `pass_on` is called in this stream's thread; an OSError from it is ignored.
        """
        with self._switching:
            self._inbox = inbox
            self._pass_on = pass_on
            self._reader.begin_run()
            self._stderr_total = 0
            self._stderr.clear()
            if self._closed is not None:
                inbox.put((self._role, self._closed))

    def end_run(self, inbox: Inbox) -> None:
        """Send later messages to `inbox`, and STREAM payloads nowhere."""
        with self._switching:
            old, self._inbox = self._inbox, inbox
            self._pass_on = None
            # What it said after its last word of the run belongs here already.
            with suppress(queue.Empty):
                while True:
                    role, message = old.get_nowait()
                    if role == self._role:
                        inbox.put((role, message))

    def send(self, data: bytes) -> None:
        """Write `data` to the container's standard input, whole. Raises OSError."""
        with self._sending:
            self._socket.sendall(data)

    def send_payload(self, payload: bytes) -> None:
        """Pass on what the other container of the pair said to this one. Raises OSError."""
        self.send(encode_stream(payload))

    def close(self) -> None:
        """Let go of the container: its standard input ends."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
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
                        self._deliver(message)
        except ProtocolError as broken:
            error = broken
        finally:
            # Also for a bug of ours, which the thread then reports: nobody waits for it in vain.
            with self._switching:
                self._closed = Closed(error)
                self._inbox.put((self._role, self._closed))

    def _deliver(self, message: dict[str, Any] | StreamPayload) -> None:
        if isinstance(message, StreamPayload):
            pass_on = self._pass_on
            if pass_on is not None:
                # The other container is gone: its own stream tells.
                with suppress(OSError):
                    pass_on(message.data)
            return
        with self._switching:
            self._inbox.put((self._role, message))

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
