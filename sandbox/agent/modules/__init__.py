"""The app's end of the proxied import: learner modules run here, the suite runs elsewhere.

`serve` is called in a freshly forked child of the agent. Nothing that this process says decides
a grade: the suite's end trusts no byte of it.
"""

from __future__ import annotations

import importlib
import socket
import sys
from contextlib import suppress
from pathlib import Path

from agent.modules.channel import Channel
from agent.modules.conversation import Conversation

# Names of ours that learner modules may want for themselves.
OWN_PACKAGES = ("agent", "wire")


def serve(sock: socket.socket, directory: Path | str = ".") -> None:
    """Serve one suite over the connected stream `sock` until it closes its end.

    `directory` holds the submission; it becomes the first place to import from.
    """
    place = Path(directory).resolve()
    conversation = Conversation(Channel(sock), place)
    _leave_the_names()
    sys.path.insert(0, str(place))
    sys.argv[:] = [""]
    importlib.invalidate_caches()
    with suppress(ConnectionError):
        conversation.serve()


def _leave_the_names() -> None:
    """Take our own packages off the list of modules: a learner may have an `agent.py`."""
    home = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [entry for entry in sys.path if entry and str(Path(entry).resolve()) != home]
    for name in list(sys.modules):
        if name.partition(".")[0] in OWN_PACKAGES:
            del sys.modules[name]
