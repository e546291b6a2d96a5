"""Entry point and PID 1 of the app container.

It reads one job and one archive from the platform on standard input, then does what the runner
asks on a control socket. Learner code runs as its child, under the same uid: nothing that this
process says decides a grade.
"""

from __future__ import annotations

import os
import platform as platform_module
import sys
import threading

sys.path.insert(0, "/opt/backpath")

from agent.control import ControlServer
from agent.service import Service
from agent.workspace import Workspace
from wire.frames import FrameError, encode_json, read_blob, read_json
from wire.process import Watchdog, ignore_interrupts, installed_packages, make_undumpable

IDLE_SECONDS = 120.0


def _take_over_stdout() -> int:
    """Keep a private copy of stdout for frames and point fd 1 at nothing."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1)
    os.close(null)
    return private


def main() -> int:
    """Serve one job; return the exit code."""
    idle_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else IDLE_SECONDS
    make_undumpable()
    ignore_interrupts()
    out = _take_over_stdout()
    watchdog = Watchdog(idle_seconds)
    workspace = Workspace()
    service = Service(workspace)
    # Bound before any learner code runs, so that nobody else can sit on the name.
    control = ControlServer(service)

    os.write(
        out,
        encode_json(
            {
                "type": "hello",
                "protocol": 1,
                "role": "app",
                "python": platform_module.python_version(),
                "packages": installed_packages(),
            }
        ),
    )
    stdin = sys.stdin.buffer
    try:
        job = read_json(stdin)
        if job is None:
            return 0
        watchdog.reset(float(job["deadline_seconds"]))
        workspace.accept(read_blob(stdin))
        reply = {"type": "unpacked", "files": workspace.unpack()}
    except (FrameError, KeyError, ValueError) as error:
        print(f"agent: bad job: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # The learner's own limit: more files or bytes than the app's file system may hold.
        reply = {"type": "unpacked", "files": 0, "error": f"cannot unpack: {error.strerror}"}
    os.write(out, encode_json(reply))

    threading.Thread(target=control.serve_forever, name="control", daemon=True).start()
    # The platform holds our stdin open for as long as it wants the container; when the worker
    # dies, the Engine closes it, and so the pair goes at once rather than at its deadline.
    while stdin.read(1):
        pass
    return 0


if __name__ == "__main__":
    code = main()
    # Not sys.exit: threads and children must not delay the end of the container.
    os._exit(code)
