"""Find a Docker Engine that answers, or install and start one, with or without systemd."""

import getpass
import grp
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from backpath.cli import apt
from backpath.cli.commands import as_root, authorise, run, system_program
from backpath.cli.console import CommandFailed, Step, note, progress
from backpath.cli.docker_api import ENGINE_ERRORS, DockerClient, connect
from backpath.cli.paths import data_directory

SOCKET = Path("/var/run/docker.sock")
PID_FILE = Path("/var/run/docker.pid")
START_SECONDS = 45.0
# Set in the environment of a process that was started again with the docker
# group, so that it never does so twice.
WITH_GROUP = "BACKPATH_STARTED_WITH_DOCKER_GROUP"


class EngineState(Enum):
    """What was found where the engine should be."""

    ANSWERS = "answers"
    FORBIDDEN = "forbidden"
    REMOTE_SILENT = "remote silent"
    STOPPED = "stopped"
    ABSENT = "absent"


@dataclass(frozen=True)
class EngineFinding:
    """The state of the engine, in a sentence, with what to do about it."""

    state: EngineState
    problem: str = ""
    remedy: str = ""
    client: DockerClient | None = None


def find_engine() -> EngineFinding:
    """Look for an engine and change nothing."""
    try:
        return EngineFinding(EngineState.ANSWERS, client=connect())
    except ENGINE_ERRORS as error:
        said = str(error)
    host = os.environ.get("DOCKER_HOST", "")
    if host and host != f"unix://{SOCKET}":
        return EngineFinding(
            EngineState.REMOTE_SILENT,
            f"No Docker Engine answers at DOCKER_HOST ({host}).",
            "Start the engine there, or unset DOCKER_HOST to use the one of this machine.",
        )
    if SOCKET.exists() and not os.access(SOCKET, os.R_OK | os.W_OK):
        return EngineFinding(
            EngineState.FORBIDDEN,
            "Docker is here, but this user may not use it.",
            f"Run: sudo usermod -aG docker {getpass.getuser()}; then run this again.",
        )
    if system_program("dockerd") is None:
        return EngineFinding(
            EngineState.ABSENT,
            "There is no Docker Engine on this machine.",
            "Run ./dev up as root or with sudo, which installs it, or install Docker yourself.",
        )
    return EngineFinding(
        EngineState.STOPPED,
        "The Docker Engine is installed and does not answer.",
        f"Start it (systemctl start docker, or dockerd) and see its log. It said: {said[:200]}",
    )


def require_docker() -> DockerClient:
    """A client of an engine that answers, installed and started first where needed.

    Raises CommandFailed with the remedy when that is not possible.
    """
    finding = find_engine()
    if finding.state is EngineState.ABSENT:
        apt.install("docker.io", "iptables", purpose="grade submissions in a sandbox")
        _allow_this_user()
        finding = find_engine()
    if finding.state is EngineState.STOPPED:
        start_engine()
        finding = find_engine()
    if finding.state is EngineState.FORBIDDEN:
        _start_again_with_group()
    if finding.client is None:
        raise CommandFailed(finding.problem, finding.remedy)
    return finding.client


def _allow_this_user() -> None:
    if os.geteuid() != 0:
        user = getpass.getuser()
        run(
            as_root(["usermod", "-aG", "docker", user]),
            problem=f"{user} could not be added to the group docker.",
        )
        note(f"{user} was added to the group docker, which may do anything on this machine.")


def _start_again_with_group() -> None:
    """Replace this process by one with the docker group, where the user has it.

    A login keeps the groups it began with, so a new membership does not count in it.
    """
    try:
        members = grp.getgrnam("docker").gr_mem
    except KeyError:
        return
    if getpass.getuser() not in members or os.environ.get(WITH_GROUP) or not shutil.which("sg"):
        return
    os.environ[WITH_GROUP] = "1"
    again = shlex.join([sys.executable, "-P", "-m", "backpath.cli", *sys.argv[1:]])
    os.execvp("sg", ["sg", "docker", "-c", f"exec {again}"])  # noqa: S606, S607 - a process of our own, without a shell


# --- starting it ----------------------------------------------------------------------


def start_engine() -> None:
    """Start the engine of this machine: by systemd, by its service script, or directly.

    Raises CommandFailed with the end of the engine's log when it does not come up.
    """
    authorise()
    with progress("Starting the Docker Engine") as step:
        if apt.SYSTEMD_IS_RUNNING.is_dir():
            run(
                as_root(["systemctl", "start", "docker"]),
                problem="systemd could not start Docker.",
                remedy="See journalctl -u docker.",
                step=step,
            )
            _wait(lambda: True, START_SECONDS)
            return
        if _daemon_of(PID_FILE, command_of) is not None:
            if _wait(lambda: True, START_SECONDS):
                return
            raise CommandFailed(
                "A Docker Engine is running and does not answer.",
                "Stop it (its process number is in /var/run/docker.pid), then run this again.",
            )
        _remove_stale_pid_file()
        if not _by_service_script(step):
            _directly(step)


def _by_service_script(step: Step) -> bool:
    service = system_program("service")
    if service is None or not Path("/etc/init.d/docker").exists():
        return False
    step.detail = "service docker start"
    try:
        run(as_root([service, "docker", "start"]), problem="The service script failed.", step=step)
    except CommandFailed:
        # The script asks for limits that a container does not grant; the
        # engine itself starts without them.
        return False
    return _wait(lambda: True, 10.0)


def _directly(step: Step) -> None:
    log = data_directory() / "logs" / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    said = ""
    # Sandboxes have no network, so an engine that may not touch the firewall
    # is still good enough.
    for arguments in ([], ["--iptables=false", "--ip6tables=false", "--bridge=none"]):
        step.detail = " ".join(["dockerd", *arguments])
        _remove_stale_pid_file()
        begin = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(
                as_root([system_program("dockerd") or "dockerd", *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if _wait(lambda: process.poll() is None, START_SECONDS):  # noqa: B023 - called before the loop goes on
            # It goes on when this command ends; nobody waits for it.
            process.returncode = 0
            return
        said = log.read_bytes()[begin:].decode(errors="replace")
        if process.poll() is None:
            process.terminate()
        if "iptables" not in said:
            break
    raise CommandFailed(
        "The Docker Engine did not start.",
        f"See {log}; the remedy is usually in its last line.",
        said="\n".join(said.splitlines()[-4:]),
    )


def _wait(is_alive: Callable[[], bool], seconds: float) -> bool:
    """Whether the engine answered (to this user or not) within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_alive():
        if find_engine().state in {EngineState.ANSWERS, EngineState.FORBIDDEN}:
            return True
        time.sleep(0.3)
    return False


# --- the pid file ---------------------------------------------------------------------


def command_of(pid: int) -> str | None:
    """Name of the program a process runs, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _daemon_of(pid_file: Path, program_of: Callable[[int], str | None]) -> int | None:
    try:
        return running_daemon(pid_file.read_text(), program_of)
    except OSError:
        return None


def running_daemon(content: str, program_of: Callable[[int], str | None]) -> int | None:
    """The process of a Docker pid file's content, if it is a Docker Engine still.

    After a crash the number may be free, or belong to another program: dockerd
    itself would take that program for another engine and refuse to start.
    """
    text = content.strip()
    if not text.isdecimal():
        return None
    pid = int(text)
    return pid if program_of(pid) == "dockerd" else None


def _remove_stale_pid_file() -> None:
    if PID_FILE.exists() and _daemon_of(PID_FILE, command_of) is None:
        note("Removing the pid file that a crashed Docker Engine left.")
        run(
            as_root(["rm", "-f", str(PID_FILE)]),
            problem=f"{PID_FILE} is left from a crashed engine and could not be removed.",
        )
