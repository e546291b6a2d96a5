"""The runner's end of the control channel to the app container's agent.

Whatever comes back was written on the learner's side of the trust boundary: it is used to say
what happened, never to decide a check.
"""

from __future__ import annotations

import time
from typing import Any

from backpath_sdk import link
from backpath_sdk.expectations import ServiceUnavailable
from wire.frames import JSON, FrameError, FrameParser, decode_json, encode_json

# Stopping waits three seconds for SIGTERM to be obeyed; unpacking is bounded by tmpfs.
ANSWER_SECONDS = 20.0


class AgentUnreachable(ServiceUnavailable):
    """The agent does not answer: learner code has taken it down or its container is gone."""


class AgentClient:
    """Asks the agent to start, stop and describe the learner's service."""

    def __init__(self) -> None:
        try:
            self._socket = link.connect({"to": "control"}, timeout=ANSWER_SECONDS)
        except OSError as error:
            raise AgentUnreachable(
                f"The sandbox of your app is gone: {error.strerror or error}."
            ) from None
        self._parser = FrameParser()

    def ask(
        self, command: str, *, seconds_to_answer: float = ANSWER_SECONDS, **arguments: Any
    ) -> dict[str, Any]:
        """Send one command and return its answer. Raises AgentUnreachable."""
        deadline = time.monotonic() + seconds_to_answer
        try:
            self._socket.settimeout(seconds_to_answer)
            self._socket.sendall(encode_json({"command": command, **arguments}))
            return self._answer(deadline)
        except (OSError, FrameError) as error:
            raise AgentUnreachable(f"The sandbox of your app stopped answering: {error}.") from None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _answer(self, deadline: float) -> dict[str, Any]:
        while True:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            data = self._socket.recv(1 << 16)
            if not data:
                raise AgentUnreachable("The sandbox of your app ended early.")
            for kind, payload in self._parser.feed(data):
                if kind != JSON:
                    raise FrameError("expected a JSON frame")
                return decode_json(payload)
