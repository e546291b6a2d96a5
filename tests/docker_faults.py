"""A Docker Engine that misbehaves on command: a proxy before the real one.

It listens on a Unix socket of its own and passes every request on, hijacked attach streams
included. A test tells it what goes wrong: an answer of its own, a delay, a connection that
breaks, an Engine that is away for a while. Requests that are not meant are left alone.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

REAL_SOCKET = Path("/var/run/docker.sock")
_HEAD_END = b"\r\n\r\n"
_CHUNK = 1 << 16


@dataclass
class Fault:
    """What happens to requests of a method and a path (a pattern), at most `times` times.

    With `status` the proxy answers itself, with `message` as the Engine words its errors; with
    `is_cut` the connection ends without an answer; with `is_answer_lost` it does so after the
    real Engine has done what was asked. `delay_seconds` comes before any of it.
    """

    method: str
    path: str
    status: int = 0
    message: str = ""
    is_cut: bool = False
    is_answer_lost: bool = False
    delay_seconds: float = 0.0
    times: int = 1_000_000
    met: int = 0

    def applies_to(self, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return self.met < self.times and method == self.method and bool(re.search(self.path, path))


def no_space(path: str = r"/containers/create", **changes: int) -> Fault:
    """A disk that is full when a container is created (or started, by `path`)."""
    message = "mkdir /var/lib/docker/overlay2/new: no space left on device"
    return Fault("POST", path, status=500, message=message, **changes)


def no_image(image: str, **changes: int) -> Fault:
    """An image that somebody removed."""
    message = f"No such image: {image}"
    return Fault("POST", r"/containers/create", status=404, message=message, **changes)


@dataclass
class DockerFaults:
    """The proxy. `requests` lists the method and path of all that came, in order."""

    path: Path
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _listener: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[socket.socket, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What a Docker client connects to."""
        return f"unix://{self.path}"

    # What a test says --------------------------------------------------------------------

    @contextmanager
    def having(self, *faults: Fault) -> Iterator[None]:
        """Let `faults` happen for as long as the block lasts."""
        self.faults += faults
        try:
            yield
        finally:
            for fault in faults:
                self.faults.remove(fault)

    def cut(self, path: str = "") -> int:
        """Break the open connections whose request's path fits; return how many."""
        with self._lock:
            meant = [sock for sock, own in self._open.items() if re.search(path, own)]
        for sock in meant:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        return len(meant)

    def open_connections(self, path: str = "") -> int:
        """How many connections are open whose request's path fits."""
        with self._lock:
            return sum(bool(re.search(path, own)) for own in self._open.values())

    @contextmanager
    def away(self) -> Iterator[None]:
        """An Engine that has gone: connections break, and new ones are refused."""
        self.stop_listening()
        self.cut()
        try:
            yield
        finally:
            self.listen()

    def restart(self, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Be away for `seconds`; `meanwhile` is for what an Engine loses with its restart."""
        with self.away():
            meanwhile()
            time.sleep(seconds)

    # Listening ---------------------------------------------------------------------------

    def listen(self) -> None:
        """Take connections from now on."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop_listening(self) -> None:
        """Refuse connections from now on; open ones stay."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    # One connection ----------------------------------------------------------------------

    def _serve(self, client: socket.socket) -> None:
        """Answer or pass on the one request of a connection."""
        with client, suppress(OSError):
            head, rest = _read_head(client)
            if not head:
                return
            method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            self.requests.append((method, path))
            with self._known(client, path):
                fault = self._fault_of(method, path)
                if fault is not None:
                    time.sleep(fault.delay_seconds)
                    if fault.is_cut:
                        return
                    if fault.status:
                        client.sendall(_answer(fault))
                        return
                    if fault.is_answer_lost:
                        # What the client still says is passed on, what it would hear is not.
                        self._pass_on(client, path, _once(head) + rest, answers=False)
                        return
                self._pass_on(client, path, _once(head) + rest)

    def _fault_of(self, method: str, path: str) -> Fault | None:
        with self._lock:
            fault = next((f for f in self.faults if f.applies_to(method, path)), None)
            if fault is not None:
                fault.met += 1
            return fault

    def _pass_on(
        self, client: socket.socket, path: str, request: bytes, *, answers: bool = True
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.connect(str(REAL_SOCKET))
            with self._known(engine, path):
                engine.sendall(request)
                upwards = threading.Thread(target=_pump, args=(client, engine), daemon=True)
                upwards.start()
                if answers:
                    _pump(engine, client)
                else:
                    while engine.recv(_CHUNK):
                        pass
                # The Engine is done; what the client may still say has no reader.
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                upwards.join()

    @contextmanager
    def _known(self, sock: socket.socket, path: str) -> Iterator[None]:
        with self._lock:
            self._open[sock] = path
        try:
            yield
        finally:
            with self._lock:
                del self._open[sock]


@contextmanager
def docker_faults(folder: Path) -> Iterator[DockerFaults]:
    """A proxy that listens in `folder`, and is gone with all its connections afterwards."""
    proxy = DockerFaults(folder / "docker.sock")
    proxy.listen()
    try:
        yield proxy
    finally:
        proxy.stop_listening()
        proxy.cut()


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what of the body came with it."""
    data = b""
    while _HEAD_END not in data:
        piece = client.recv(_CHUNK)
        if not piece:
            return b"", b""
        data += piece
    head, _, rest = data.partition(_HEAD_END)
    return head, rest


def _once(head: bytes) -> bytes:
    """The head with a wish to close afterwards: then every request has its own connection."""
    if re.search(rb"(?i)\r\nupgrade:", head):
        return head + _HEAD_END
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + _HEAD_END


def _answer(fault: Fault) -> bytes:
    body = json.dumps({"message": fault.message}).encode()
    head = (
        f"HTTP/1.1 {fault.status} Fault\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until `source` ends, then say so to `target`."""
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
