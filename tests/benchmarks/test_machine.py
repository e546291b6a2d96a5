import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.cold_container import passed_tests
from tests.benchmarks.containers import memory_of
from tests.benchmarks.machine import (
    MIB,
    TICKS,
    busy_seconds,
    family_of,
    files_below,
    open_descriptors,
    parse_busy_seconds,
    processes_named,
    resident_mib,
)

NOBODY = 2**22 + 1


def test_neither_idle_nor_waiting_nor_stolen_time_is_work() -> None:
    stat = "cpu  100 20 30 9000 800 4 6 7000 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
    assert parse_busy_seconds(stat) == (100 + 20 + 30 + 4 + 6) / TICKS


def test_work_is_counted() -> None:
    before = busy_seconds()
    subprocess.run([sys.executable, "-S", "-c", "sum(range(10_000_000))"], check=True)
    assert busy_seconds() > before


def test_a_family_holds_the_children() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert {os.getpid(), child.pid} <= set(family_of(os.getpid()))
        assert family_of(child.pid) == [child.pid]
    finally:
        child.communicate(b"\n")


def test_open_descriptors_are_seen(tmp_path: Path) -> None:
    before = open_descriptors([os.getpid()])
    assert before is not None
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert open_descriptors([os.getpid()]) == before + 2


def test_who_is_gone_uses_nothing() -> None:
    assert resident_mib([NOBODY]) == 0
    assert open_descriptors([NOBODY]) == 0
    assert processes_named("no program has this name") == []


def test_files_and_folders_are_counted(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    found = files_below(tmp_path, tmp_path / "missing")
    assert found == {str(tmp_path / "folder"), str(tmp_path / "folder" / "file")}


def test_memory_of_both_kinds_of_cgroup() -> None:
    v1 = {"usage": 90 * MIB, "stats": {"total_inactive_file": 30 * MIB, "total_rss": 40 * MIB}}
    v2 = {"usage": 90 * MIB, "stats": {"inactive_file": 10 * MIB, "anon": 50 * MIB}}
    assert memory_of({"memory_stats": v1}) == (60, 40)
    assert memory_of({"memory_stats": v2}) == (80, 50)


def test_the_last_line_of_pytest_is_read() -> None:
    assert passed_tests("..........   [100%]\n10 passed in 0.21s\n") == 10
    assert passed_tests("1 failed, 9 passed in 0.21s\n") == 0
    assert passed_tests("") == 0
