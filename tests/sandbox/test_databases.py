"""The agent's databases, with servers that are none: order, copies, faults."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import databases
from agent.databases import DatabaseFailed, Databases, Postgres, Server, spawn

# Says that it is ready as PostgreSQL does, keeps what it is told in a file, and lives on.
SERVER = """
cd "$1" || exit 1
[ -e schema ] || { echo "no schema here"; exit 1; }
[ -e refuses ] && { echo "it refuses"; exit 1; }
echo $$ > ready
exec sleep 60
"""


class Children:
    """Reaps what was started, as the agent does; ends the rest after the test."""

    def __init__(self) -> None:
        self.ended: dict[int, bool] = {}

    def add(self, pid: int) -> None:
        self.ended[pid] = False

    def is_running(self, pid: int) -> bool:
        if not self.ended[pid]:
            self.ended[pid] = os.waitpid(pid, os.WNOHANG)[0] == pid
        return not self.ended[pid]

    def kill_all(self) -> None:
        for pid, has_ended in self.ended.items():
            if not has_ended:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                self.ended[pid] = True


class FakeServer(Server):
    environment = {"FAKE_URL": "fake://127.0.0.1"}
    leftovers = ("ready",)

    def __init__(self, name: str, template: Path | None) -> None:
        self.name = name
        self.template = template

    def command(self, directory: Path) -> list[str]:
        return ["/bin/sh", "-c", SERVER, "sh", str(directory)]

    def is_ready(self, pid: int, directory: Path) -> bool:
        ready = directory / "ready"
        return ready.is_file() and ready.read_text() == f"{pid}\n"


class Box:
    """A root, a template and what was spawned: argv by argv."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.template = folder / "template"
        (self.template / "base").mkdir(parents=True)
        (self.template / "schema").write_text("empty")
        self.root = folder / "services"
        self.root.mkdir()
        self.children = Children()
        self.spawned: list[list[str]] = []
        self.behind: list[int] = []
        monkeypatch.setattr(databases, "START_SECONDS", 3.0)
        self.databases = self.make("fake")

    def make(self, *names: str) -> Databases:
        servers: dict[str, Callable[[], Server]] = {
            name: lambda name=name: FakeServer(name, self.template) for name in ("fake", "other")
        }
        return Databases(names, self.children, root=self.root, servers=servers, spawn=self._spawn)

    def _spawn(self, argv: list[str], log: Path) -> int:
        self.spawned.append(argv)
        pid = spawn(argv, log)
        if argv[0].endswith("nice"):
            self.behind.append(pid)
        return pid

    def settle(self) -> None:
        """Wait for what runs behind."""
        for pid in self.behind:
            os.waitpid(pid, 0)
        self.behind.clear()

    def kill_all(self) -> None:
        """What the agent does between groups; what ran behind has ended by then."""
        self.settle()
        self.children.kill_all()

    def data(self) -> Path:
        """The directory that the newest server runs on."""
        return max(self.root.glob("[0-9]*"), key=lambda path: int(path.name)) / "fake"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    box = Box(tmp_path, monkeypatch)
    yield box
    box.kill_all()


def test_nothing_is_started_where_nothing_is_asked_for(box: Box) -> None:
    none = box.make()
    none.start()
    none.wait()
    assert none.open(fresh=True) == {}
    assert none.open(fresh=False) == {}
    assert none.memory_mb() == 0
    assert (box.spawned, list(box.root.iterdir())) == ([], [])


def test_an_unknown_service_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="no such service: mysql"):
        box.make("fake", "mysql")


def test_what_was_started_while_warming_up_serves_the_first_group(box: Box) -> None:
    box.databases.start()
    box.databases.wait()
    started = len(box.spawned)
    assert box.databases.open(fresh=True) == {"FAKE_URL": "fake://127.0.0.1"}
    assert box.databases.is_ready()
    # Only the copy for the next group came after.
    assert [argv[0] for argv in box.spawned[started:]] == ["/usr/bin/nice"]


def test_starting_does_not_wait(box: Box) -> None:
    began = time.monotonic()
    box.databases.start()
    assert time.monotonic() - began < 0.5
    assert len(box.spawned) == 1


def test_a_fresh_start_serves_the_copy_that_was_made_ahead(box: Box) -> None:
    box.databases.open(fresh=True)
    (box.data() / "schema").write_text("a learner's rows")
    box.kill_all()
    spare = box.root / "next-fake"
    assert (spare / "schema").read_text() == "empty"
    assert spare.stat().st_mode & 0o777 == 0o700
    (spare / "mark").touch()

    box.databases.open(fresh=True)
    assert (box.data() / "mark").exists(), "the copy was made again"
    assert (box.data() / "schema").read_text() == "empty"
    box.settle()
    assert not (box.root / "next-fake" / "mark").exists()


def test_a_group_that_ends_before_the_copy_is_made_costs_a_copy_and_no_more(box: Box) -> None:
    box.databases.open(fresh=True)
    box.kill_all()
    # Killed while it copied: the unfinished copy has another name.
    shutil.move(box.root / "next-fake", box.root / "next-fake-1")
    box.databases.open(fresh=True)
    assert (box.data() / "schema").read_text() == "empty"
    box.settle()
    assert not (box.root / "next-fake-1").exists(), "remains are removed"


def test_what_earlier_groups_left_is_removed(box: Box) -> None:
    for _ in range(3):
        box.databases.open(fresh=True)
        box.kill_all()
    assert sorted(path.name for path in box.root.iterdir()) == ["3", "next-fake"]


def test_a_restart_keeps_the_data_and_does_not_trust_what_the_killed_server_said(
    box: Box,
) -> None:
    box.databases.open(fresh=True)
    data = box.data()
    (data / "schema").write_text("a learner's rows")
    said = (data / "ready").read_text()
    box.kill_all()

    assert box.databases.open(fresh=False) == {"FAKE_URL": "fake://127.0.0.1"}
    assert box.data() == data
    assert (data / "schema").read_text() == "a learner's rows"
    assert (data / "ready").read_text() != said


def test_a_restart_before_any_start_is_a_fresh_one(box: Box) -> None:
    box.databases.open(fresh=False)
    assert (box.data() / "schema").read_text() == "empty"


@pytest.mark.parametrize("file", ["refuses", "schema"])
def test_a_spoilt_copy_is_not_the_next_groups_fate(box: Box, file: str) -> None:
    box.databases.open(fresh=True)
    box.kill_all()
    spoilt = box.root / "next-fake" / file
    spoilt.unlink() if spoilt.exists() else spoilt.touch()

    box.databases.open(fresh=True)
    assert (box.data() / "schema").read_text() == "empty"
    assert not (box.data() / "refuses").exists()


def test_taken_names_and_a_shut_door_stop_nothing(box: Box) -> None:
    box.databases.open(fresh=True)
    box.kill_all()
    for number in range(2, 6):
        (box.root / str(number) / "fake").mkdir(parents=True)
    box.root.chmod(0)

    box.databases.open(fresh=True)
    assert box.data().parent.name == "6"


def test_a_server_that_does_not_start_says_why(box: Box) -> None:
    (box.template / "refuses").touch()
    with pytest.raises(DatabaseFailed, match=r"^fake has ended\. it refuses$"):
        box.databases.open(fresh=True)


def test_a_server_that_ended_on_a_restart_says_why(box: Box) -> None:
    box.databases.open(fresh=True)
    box.kill_all()
    (box.data() / "schema").unlink()
    with pytest.raises(DatabaseFailed, match=r"^fake has ended\. no schema here$"):
        box.databases.open(fresh=False)


def test_a_server_that_is_never_ready_is_not_waited_for_for_ever(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "START_SECONDS", 0.1)
    monkeypatch.setattr(FakeServer, "is_ready", lambda *_: False)
    with pytest.raises(DatabaseFailed, match="not ready within"):
        box.databases.open(fresh=True)


def test_a_full_or_missing_file_system_is_told(box: Box) -> None:
    box.root.rmdir()
    with pytest.raises(DatabaseFailed, match="could not be started: No such file"):
        box.databases.start()


def test_all_servers_have_to_be_ready(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    both = box.make("other", "fake")
    both.open(fresh=True)
    assert both.is_ready()
    monkeypatch.setattr(FakeServer, "is_ready", lambda self, *_: self.name == "fake")
    assert not both.is_ready()


def test_a_program_inherits_neither_streams_nor_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the agent")
    reading, writing = os.pipe()
    ours = f"pipe:[{os.fstat(writing).st_ino}]"
    log = tmp_path / "log"
    script = (
        "env; for fd in /proc/$$/fd/*; do echo ${fd##*/} $(readlink $fd); done; ps -o sid= -p $$"
    )
    pid = spawn(["/bin/sh", "-c", script], log)
    os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)

    said = log.read_text()
    assert "SECRET" not in said
    assert {"0 /dev/null", f"1 {log}", f"2 {log}"} <= set(said.splitlines())
    assert ours not in said
    assert said.splitlines()[-1].strip() == str(pid), "it has a session of its own"


@pytest.mark.parametrize(
    ("content", "is_ready"),
    [
        ("7\n/data\n1\n5432\n\n127.0.0.1\n  1 2\nready   \n", True),
        ("7\n/data\n1\n5432\n\n127.0.0.1\n  1 2\nstarting\n", False),
        ("8\n/data\n1\n5432\n\n127.0.0.1\n  1 2\nready   \n", False),
        ("7\n/data\n", False),
        ("", False),
        ("\udcff", False),
    ],
    ids=["ready", "starting", "of the server before", "half written", "empty", "no text"],
)
def test_postgres_says_itself_that_it_is_ready(
    tmp_path: Path, content: str, is_ready: bool
) -> None:
    path = tmp_path / "postmaster.pid"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert Postgres().is_ready(7, tmp_path) is is_ready


def test_the_shell_scripts_are_posix() -> None:
    for script in (databases.COPY_AHEAD, databases.COPY_AND_BECOME):
        subprocess.run(["/bin/sh", "-n", "-c", script], check=True)
