"""Runs as PID 1 of an app container: measures starts of its databases, prints them as JSON.

The one argument is how often. What is printed: name -> list of [milliseconds, CPU milliseconds].
"""

import json
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/backpath")

from agent.databases import ROOT, Databases
from agent.processes import Processes
from wire.loop import Loop

CGROUP_V1 = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage")
CGROUP_V2 = Path("/sys/fs/cgroup/cpu.stat")


def cpu_ms() -> float:
    if CGROUP_V1.is_file():
        return int(CGROUP_V1.read_text()) / 1e6
    return int(CGROUP_V2.read_text().split()[1]) / 1e3


def main(rounds: int) -> None:
    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    processes = Processes(Loop())

    def measure(name: str, call: Callable[[], Any]) -> None:
        began, cpu = time.perf_counter(), cpu_ms()
        call()
        taken[name].append(((time.perf_counter() - began) * 1000, cpu_ms() - cpu))

    def until_prepared() -> None:
        deadline = time.monotonic() + 10
        while not (ROOT / "next-postgres").is_dir():
            if time.monotonic() > deadline:
                raise TimeoutError("no copy was made ahead")
            time.sleep(0.005)

    both = Databases(["postgres", "redis"], processes)
    for _ in range(rounds):
        processes.kill_all()
        shutil.rmtree(ROOT / "next-postgres", ignore_errors=True)
        measure("both, new servers, nothing prepared", lambda: both.open(fresh=True))
        until_prepared()
        processes.kill_all()
        measure("both, new servers, copy prepared", lambda: both.open(fresh=True))
        processes.kill_all()
        measure("both, new servers on the same data", lambda: both.open(fresh=False))
    processes.kill_all()
    both.open(fresh=False)
    _other_ways(measure, rounds)
    sys.stdout.write(json.dumps({"taken": taken, "memory_mb": both.memory_mb()}))


def _other_ways(measure: Callable[[str, Callable[[], Any]], None], rounds: int) -> None:
    """One server that stays, and a new database for each group: on a connection that is there."""
    import psycopg

    with psycopg.connect("postgresql://app@127.0.0.1/template1", autocommit=True) as connection:
        for number in range(rounds):
            create = f"CREATE DATABASE group_{number} TEMPLATE app"
            measure("PostgreSQL, CREATE DATABASE instead", partial(connection.execute, create))
            files = f"CREATE DATABASE files_{number} TEMPLATE app STRATEGY file_copy"
            measure("PostgreSQL, the same by files", partial(connection.execute, files))
            for name in (f"group_{number}", f"files_{number}"):
                drop = f"DROP DATABASE {name} WITH (FORCE)"
                measure("PostgreSQL, DROP DATABASE", partial(connection.execute, drop))


if __name__ == "__main__":
    main(int(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
