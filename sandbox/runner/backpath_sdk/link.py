"""The grader's connections to the learner's app, as ordinary sockets.

The app is in another container, and nothing is shared with it. The grader makes a socket pair
and gives one end to its parent process, which carries the bytes through the worker to the app's
agent. The first byte that comes back says whether the connection was accepted.
"""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

ACCEPTED, REFUSED = b"\x01", b"\x00"
CONNECT_SECONDS = 20.0

_parent: socket.socket | None = None
_sending = threading.Lock()


def adopt(parent: socket.socket) -> None:
    """Use `parent` to ask for connections; called once in the grader process."""
    global _parent  # noqa: PLW0603 - one a process, as a process has one parent
    _parent = parent


def begin(target: dict[str, Any]) -> socket.socket:
    """Return a socket to `target` that may be written to at once.

    Before it is read from, `confirm` has to be called. Targets: `{"to": "control"}` for the
    agent, `{"to": "port", "port": N}` for TCP on the app's loopback interface, and
    `{"to": "modules"}` for a new process that serves the learner's modules.
    """
    if _parent is None:
        raise OSError("there is no app to connect to here")
    ours, theirs = socket.socketpair()
    with theirs, _sending:
        socket.send_fds(_parent, [json.dumps(target).encode()], [theirs.fileno()])
    return ours


def confirm(sock: socket.socket) -> None:
    """Wait, within the socket's own timeout, for the other side to accept.

    Raises ConnectionRefusedError with the reason, ConnectionResetError or TimeoutError.
    """
    first = sock.recv(1)
    if first == ACCEPTED:
        return
    if not first:
        raise ConnectionResetError(None, "the connection was closed")
    reason = sock.recv(400).decode("utf-8", "replace")
    raise ConnectionRefusedError(None, reason or "the connection was refused")


def connect(target: dict[str, Any], *, timeout: float = CONNECT_SECONDS) -> socket.socket:
    """Return a connected socket to `target`. Raises OSError."""
    sock = begin(target)
    try:
        sock.settimeout(timeout)
        confirm(sock)
    except OSError:
        sock.close()
        raise
    return sock
