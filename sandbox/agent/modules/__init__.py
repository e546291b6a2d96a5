"""The app's end of the proxied import: learner modules run here, the suite runs elsewhere.

`serve` is called in a freshly forked child of the agent. Nothing that this process says decides
a grade: the suite's end trusts no byte of it.
"""

from __future__ import annotations

import _thread
import importlib
import os
import select
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
    # Not of `threading`: learner code counts its own threads.
    _thread.start_new_thread(_end_with, (sock,))
    with suppress(ConnectionError):
        conversation.serve()


def _end_with(sock: socket.socket) -> None:
    """End this process once the suite has closed its end, whatever learner code is doing: the
    suite drops a process that does not come back and goes on with a new one."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    poll.poll()
    os._exit(0)


def _leave_the_names() -> None:
    """Take our own packages off the list of modules: a learner may have an `agent.py`."""
    home = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [entry for entry in sys.path if entry and str(Path(entry).resolve()) != home]
    for name in list(sys.modules):
        if name.partition(".")[0] in OWN_PACKAGES:
            del sys.modules[name]
