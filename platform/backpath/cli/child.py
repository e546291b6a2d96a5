"""``python -m backpath.cli.child PROGRAM …``: become a program that never outlives its supervisor.

The kernel sends it SIGTERM when the supervisor is gone, however that happened.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor = int(os.environ.pop("BACKPATH_SUPERVISOR"))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        # It was gone before the kernel was asked to watch it.
        sys.exit(1)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - a process of our own, without a shell


if __name__ == "__main__":
    main()
