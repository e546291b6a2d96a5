"""Says whether the process of this container does its work: exit code 0, or 1 with a reason.

`web` must answer /readyz. `worker` must have told the database lately that it lives and can
reach its Docker Engine. `sweeper` must have swept lately.
"""

import http.client
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

WEB_SECONDS = 5
SWEEP_SECONDS = 60
SWEPT = Path("/tmp/swept")


def web(environment: Mapping[str, str], *, port: int = 8000) -> str:
    """Return why the site is not ready, or an empty string."""
    allowed = environment.get("ALLOWED_HOSTS", "").split(",")
    name = next((host.strip().lstrip(".") for host in allowed if host.strip(" .*")), "localhost")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WEB_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": name})
        response = connection.getresponse()
        text = response.read(1000).decode(errors="replace")
        return "" if response.status == http.HTTPStatus.OK else f"{response.status}: {text}"
    except OSError as error:
        return f"no answer: {error}"
    finally:
        connection.close()


def worker(host: str) -> str:
    """Return why the worker of that host name cannot grade, or an empty string."""
    import django  # noqa: PLC0415 - the other checks do without

    django.setup()
    from backpath.grading.clock import database_now  # noqa: PLC0415 - needs Django set up
    from backpath.grading.selectors import (  # noqa: PLC0415 - needs Django set up
        heartbeat_lifetime,
        heartbeats_since,
    )

    for heartbeat in heartbeats_since(database_now() - heartbeat_lifetime()):
        if heartbeat.worker.endswith(f"@{host}"):
            return "" if heartbeat.is_ok else f"{heartbeat.message} {heartbeat.remedy}"
    return "no sign of life"


def sweeper(swept: Path) -> str:
    """Return why nothing is swept, or an empty string."""
    try:
        seconds = time.time() - swept.stat().st_mtime
    except FileNotFoundError:
        return "not yet swept"
    return "" if seconds < SWEEP_SECONDS else f"last swept {seconds:.0f} s ago"


def main(role: str) -> str:
    """Ask the process of this container; an empty answer is a good one."""
    if role == "web":
        return web(os.environ)
    if role == "worker":
        return worker(socket.gethostname())
    return sweeper(SWEPT)


if __name__ == "__main__":
    problem = main(sys.argv[1])
    print(problem or "ok")
    sys.exit(1 if problem else 0)
