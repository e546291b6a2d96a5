"""The runner's end of the control socket to the app container's agent.

Whatever comes back was written on the learner's side of the trust boundary: it is used to say
what happened, never to decide a check.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from backpath_sdk.expectations import ServiceUnavailable
from wire.frames import FrameError, encode_json, read_json

ADDRESS = b"\0backpath-control"
APP_UID = 10002
PEERCRED = struct.Struct("3i")
# Stopping waits three seconds for SIGTERM to be obeyed; unpacking is bounded by tmpfs.
ANSWER_SECONDS = 20.0


class AgentUnreachable(ServiceUnavailable):
    """The agent does not answer: learner code has taken it down or its container is gone."""


class AgentClient:
    """Asks the agent to start, stop and describe the learner's service."""

    def __init__(self, address: bytes = ADDRESS, uid: int = APP_UID) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_SECONDS)
        try:
            self._socket.connect(address)
        except OSError as error:
            raise AgentUnreachable(f"The sandbox of your app is gone: {error.strerror}.") from None
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEERCRED.size)
        if PEERCRED.unpack(raw)[1] != uid:
            raise AgentUnreachable("Another process sits on the control socket of your app.")
        self._stream: Any = self._socket.makefile("rwb")

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and return its answer. Raises AgentUnreachable."""
        try:
            self._stream.write(encode_json({"command": command, **arguments}))
            self._stream.flush()
            answer = read_json(self._stream)
        except (OSError, FrameError) as error:
            raise AgentUnreachable(f"The sandbox of your app stopped answering: {error}.") from None
        if answer is None:
            raise AgentUnreachable("The sandbox of your app ended early.")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()
