"""The control socket: how the runner asks for the service to be started, stopped and looked at.

It is an abstract Unix socket, so it lives in the network namespace that the two containers
share and nowhere on disk. The kernel tells the uid of who connects: the runner's is answered,
the learner's own processes are not.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any

from agent.service import Service, StartRefused
from wire.frames import FrameError, encode_json, read_json

ADDRESS = b"\0backpath-control"
RUNNER_UID = 10001
PEERCRED = struct.Struct("3i")


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end, as the kernel recorded it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEERCRED.size)
    return int(PEERCRED.unpack(raw)[1])


class ControlServer:
    """Answers one request after the other; a request and its answer are one JSON frame each."""

    def __init__(self, service: Service, *, address: bytes = ADDRESS, uid: int = RUNNER_UID):
        self._service = service
        self._uid = uid
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen(4)

    def serve_forever(self) -> None:
        """Serve connection after connection, until the process ends."""
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rwb") as stream:
                if peer_uid(connection) != self._uid:
                    continue
                try:
                    self._serve(stream)
                except (FrameError, OSError) as error:
                    print(f"agent: control: {error}", file=sys.stderr)

    def _serve(self, stream: Any) -> None:
        while (request := read_json(stream)) is not None:
            stream.write(encode_json(self._answer(request)))
            stream.flush()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request.get("command")
        try:
            if command == "start":
                self._service.start(port=int(request["port"]), fresh=bool(request["fresh"]))
                return {"ok": True}
            if command == "stop":
                self._service.stop()
                return {"ok": True}
            if command == "status":
                return {"ok": True, **self._service.status()}
            if command == "log":
                return {"ok": True, "text": self._service.log_tail(int(request["lines"]))}
        except StartRefused as refusal:
            return {"ok": False, "error": str(refusal)}
        except OSError as error:
            return {"ok": False, "error": f"could not start a process: {error.strerror}"}
        return {"ok": False, "error": f"unknown command {command!r}"}
