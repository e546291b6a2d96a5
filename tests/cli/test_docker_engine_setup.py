from pathlib import Path

import pytest

from backpath.cli import docker_engine_setup
from backpath.cli.console import CommandFailed
from backpath.cli.docker_engine_setup import (
    EngineState,
    command_of,
    find_engine,
    require_docker,
    running_daemon,
)

PROGRAMS = {100: "dockerd", 200: "sshd"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("100", 100),
        ("100\n", 100),
        ("200", None),  # the number went to another program
        ("300", None),  # nobody has it
        ("", None),
        ("-1", None),
        ("not a number", None),
        ("1e2", None),
    ],
)
def test_only_a_pid_of_a_docker_engine_counts(content: str, expected: int | None) -> None:
    assert running_daemon(content, PROGRAMS.get) == expected


def test_the_program_of_a_process_is_read_from_the_kernel() -> None:
    assert command_of(1) is not None
    assert command_of(2**22 + 1) is None


def test_an_engine_that_is_elsewhere_is_never_installed_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(docker_engine_setup.apt, "install", _must_not_run)
    finding = find_engine()
    assert finding.state is EngineState.REMOTE_SILENT
    assert "DOCKER_HOST" in finding.problem
    with pytest.raises(CommandFailed, match="No Docker Engine answers at DOCKER_HOST"):
        require_docker()


def _must_not_run(*_packages: str, purpose: str) -> None:
    raise AssertionError(f"something was installed to {purpose}")


@pytest.mark.parametrize(
    ("socket_exists", "may_use_it", "daemon", "state"),
    [
        (True, False, "/usr/sbin/dockerd", EngineState.FORBIDDEN),
        (True, True, "/usr/sbin/dockerd", EngineState.STOPPED),
        (False, False, "/usr/sbin/dockerd", EngineState.STOPPED),
        (False, False, None, EngineState.ABSENT),
    ],
)
def test_a_silent_engine_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    socket_exists: bool,
    may_use_it: bool,
    daemon: str | None,
    state: EngineState,
) -> None:
    def silent(**_: object) -> None:
        raise docker_engine_setup.ENGINE_ERRORS[0]("connection refused")

    socket = tmp_path / "docker.sock"
    if socket_exists:
        socket.touch()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_engine_setup, "SOCKET", socket)
    monkeypatch.setattr(docker_engine_setup, "connect", silent)
    monkeypatch.setattr(docker_engine_setup, "system_program", lambda _name: daemon)
    monkeypatch.setattr(docker_engine_setup.os, "access", lambda *_: may_use_it)
    finding = find_engine()
    assert finding.state is state
    assert finding.problem.endswith(".")
    assert finding.remedy
