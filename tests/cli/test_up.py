"""`./dev up` as its user meets it: the real command, in a data directory of its own."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backpath.cli.up import name_to_ask_by, only_one, reachable_names, site_environment
from tests.cli.factories import (
    free_port,
    make_command,
    make_content,
    make_environment,
    processes_with,
)

START_SECONDS = 90
STOP_SECONDS = 30


class Up:
    """A running `./dev up`, and what it printed so far."""

    def __init__(self, data: Path, *, port: int, **extra: str) -> None:
        self.port = port
        self.mark = f"BACKPATH_DATA_DIR={data}"
        self.process = subprocess.Popen(
            make_command("up", "--port", str(port)),
            env=make_environment(data, **extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.lines.extend(lines)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while text not in self.text:
            assert self.process.poll() is None, f"it ended without saying {text!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"it did not say {text!r}:\n{self.text}"
            time.sleep(0.05)

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=STOP_SECONDS)
        self._reader.join(timeout=5)
        return code

    def read_to_the_end(self) -> int:
        code = self.process.wait(timeout=START_SECONDS)
        self._reader.join(timeout=5)
        return code

    def destroy(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.read_to_the_end()
        for pid in processes_with(self.mark):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def no_docker(tmp_path: Path) -> dict[str, str]:
    """Settings of a machine whose Docker Engine does not answer, with empty content."""
    return {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", **make_content(tmp_path)}


@pytest.fixture
def up(data: Path, no_docker: dict[str, str]) -> Iterator[Up]:
    running = Up(data, port=free_port(), **no_docker)
    yield running
    running.destroy()


def password_in(text: str) -> list[str]:
    return re.findall(r"^  Password: (\S+)  \(shown this once", text, re.MULTILINE)


def test_the_whole_life_of_a_site(up: Up, data: Path, no_docker: dict[str, str]) -> None:
    """First start, a second one beside it, stop, start again."""
    up.wait_for("Backpath is running")
    assert f"Backpath is running: http://127.0.0.1:{up.port}/\n" in up.text
    assert up.get("/healthz") == 200
    assert up.get("/readyz") == 200
    assert len(password_in(up.text)) == 1

    # Without Docker it says so plainly, serves, and starts no worker.
    assert "Nothing can be graded now: No Docker Engine answers at DOCKER_HOST" in up.text
    assert "submissions wait in the queue" in up.text
    commands = " ".join(processes_with(up.mark).values())
    assert "uvicorn" in commands
    assert "run_sweeper" in commands
    assert "celery" not in commands

    key = data / "secret_key"
    assert key.stat().st_mode & 0o777 == 0o600
    first_key = key.read_text()
    assert len(first_key) >= 50
    assert data.stat().st_mode & 0o077 == 0

    second = Up(data, port=free_port(), **no_docker)
    assert second.read_to_the_end() == 1
    expected = f"Backpath is already running on {data} (process {up.process.pid})."
    assert expected in second.text
    assert up.get("/healthz") == 200

    assert up.stop() == 0
    assert processes_with(up.mark) == {}
    assert "Backpath has stopped." in up.text
    assert "Traceback" not in up.text

    again = Up(data, port=up.port, **no_docker)
    try:
        again.wait_for("Backpath is running")
        assert password_in(again.text) == []
        assert "administrator" not in again.text.replace("For administrators", "")
        assert key.read_text() == first_key
        assert again.stop(signal.SIGTERM) == 0
        assert processes_with(again.mark) == {}
    finally:
        again.destroy()


@pytest.mark.docker
def test_with_docker_all_three_programs_run_and_stop(data: Path, tmp_path: Path) -> None:
    running = Up(data, port=free_port(), **make_content(tmp_path))
    try:
        running.wait_for("Backpath is running")
        running.wait_for("ready.")
        commands = " ".join(processes_with(running.mark).values())
        for program in ("uvicorn", "celery", "run_sweeper"):
            assert program in commands
        assert running.stop() == 0
        assert processes_with(running.mark) == {}
    finally:
        running.destroy()


def test_a_port_in_use_stops_it_before_anything_is_made(
    data: Path, no_docker: dict[str, str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Up(data, port=port, **no_docker)
        assert running.read_to_the_end() == 1
    assert f"Port {port} on 127.0.0.1 is in use by another program." in running.text
    assert "./dev up --port" in running.text
    assert not (data / "db.sqlite3").exists()


def test_content_with_problems_and_nothing_to_fall_back_on_stops_it(
    data: Path, no_docker: dict[str, str]
) -> None:
    broken = Path(no_docker["BACKPATH_LESSONS_DIR"]) / "some-path"
    broken.mkdir()
    (broken / "path.yaml").write_text("title: [not a title\n")
    running = Up(data, port=free_port(), **no_docker)
    assert running.read_to_the_end() == 1
    assert "path.yaml:" in running.text
    assert "./dev check" in running.text
    assert "Traceback" not in running.text


def test_a_wrong_setting_is_a_sentence(data: Path, no_docker: dict[str, str]) -> None:
    running = Up(data, port=free_port(), DATABASE_URL="oracle://somewhere/x", **no_docker)
    assert running.read_to_the_end() == 1
    assert "Error: A setting is wrong: DATABASE_URL must begin with sqlite" in running.text
    assert "Traceback" not in running.text


# --- parts ----------------------------------------------------------------------------


def test_the_lock_of_a_crashed_site_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("1\n")
    with only_one(tmp_path):
        assert (tmp_path / "up.lock").read_text() == f"{os.getpid()}\n"


def test_a_site_of_this_machine_alone_keeps_the_default_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    assert "ALLOWED_HOSTS" not in site_environment("127.0.0.1")


def test_a_site_for_others_accepts_the_names_it_is_reached_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    names = site_environment("0.0.0.0")["ALLOWED_HOSTS"].split(",")
    assert names[:3] == ["localhost", "127.0.0.1", "[::1]"]
    assert socket.gethostname() in names
    assert site_environment("192.0.2.5")["ALLOWED_HOSTS"].endswith(",192.0.2.5")


def test_chosen_names_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "learn.example.org")
    assert site_environment("0.0.0.0")["ALLOWED_HOSTS"] == "learn.example.org"


def test_an_ipv6_address_is_bracketed() -> None:
    assert reachable_names("fd00::5") == ["[fd00::5]"]


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        ("learn.example.org", "learn.example.org"),
        (" .example.org ,other", "example.org"),
    ],
)
def test_the_site_is_asked_by_a_name_it_accepts(allowed: str, name: str) -> None:
    assert name_to_ask_by(allowed) == name
