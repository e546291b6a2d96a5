"""The control channel: how the runner has the service started, stopped and looked at.

A request and its answer are one JSON frame each. Only the worker's relay brings channels here;
inside the container there is nothing that learner code could connect to.
"""

from __future__ import annotations

import sys
from typing import Any

from agent.databases import DatabaseFailed
from agent.service import Service, StartRefused
from wire.channels import DATA, Channel, Mux
from wire.frames import JSON, FrameError, FrameParser, decode_json, encode_json

MAX_LOG_LINES = 400


class ControlChannel(Channel):
    """Answers one request after the other."""

    def __init__(self, mux: Mux, number: int, service: Service) -> None:
        super().__init__(mux, number)
        self._service = service
        self._parser = FrameParser()

    def receive(self, data: bytes) -> None:
        self.consumed(len(data))
        try:
            for kind, payload in self._parser.feed(data):
                self._serve(decode_json(payload) if kind == JSON else {})
        except FrameError as error:
            print(f"agent: control: {error}", file=sys.stderr)
            self.close()

    def answer(self, message: dict[str, Any]) -> None:
        """Send one answer."""
        data = encode_json(message)
        for start in range(0, len(data), 32768):
            self.send(DATA, data[start : start + 32768])

    def _serve(self, request: dict[str, Any]) -> None:
        try:
            self._command(request)
        except (StartRefused, DatabaseFailed) as refusal:
            self.answer({"ok": False, "error": str(refusal)})
        except OSError as error:
            self.answer({"ok": False, "error": f"could not start a process: {error.strerror}"})
        except (KeyError, TypeError, ValueError) as error:
            self.answer({"ok": False, "error": f"bad request: {error!r}"})

    def _command(self, request: dict[str, Any]) -> None:
        command = request.get("command")
        if command == "start":
            self._service.start(
                fresh=bool(request["fresh"]), seconds=float(request["seconds"]), answer=self.answer
            )
        elif command == "stop":
            self._service.stop()
            self.answer({"ok": True})
        elif command == "status":
            self.answer({"ok": True, **self._service.status()})
        elif command == "log":
            lines = min(int(request["lines"]), MAX_LOG_LINES)
            self.answer({"ok": True, "text": self._service.log_tail(lines)})
        else:
            self.answer({"ok": False, "error": f"unknown command {command!r}"})
