"""The script `./dev` on machines where something is missing: no failure is a traceback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from backpath.cli.paths import REPOSITORY
from tests.cli.factories import make_checkout, make_executable

# What any Debian has, without the programs whose absence is tested.
PLAIN_PROGRAMS = ("awk", "bash", "cat", "cut", "dirname", "env", "flock", "getent", "head", "id",
                  "mkdir", "rm", "sed", "sha256sum", "sh", "tail", "tr", "uname")  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is the whole PATH; tests add what else a machine has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PLAIN_PROGRAMS:
        (folder / name).symlink_to(shutil.which(name) or "/missing")
    return folder


def run_dev(
    checkout: Path, programs: Path, *words: str, **extra: str
) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {
        "PATH": str(programs),
        "HOME": str(checkout.parent / "home"),
        **extra,
    }
    return subprocess.run(
        [str(programs / "bash"), str(checkout / "dev"), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make_ready(checkout: Path, programs: Path, group: str) -> None:
    """A virtual environment that answers with its arguments, stamped as installed."""
    script = 'echo "$PYTHONPATH|$*"'
    make_executable(checkout / ".venv" / "bin", "python", script)
    locks = (checkout / "requirements" / name for name in ("runtime.txt", "dev.txt"))
    content = b"".join(lock.read_bytes() for lock in locks)
    digest = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True).stdout
    (checkout / ".venv" / ".backpath").write_text(f"{group} {digest.decode()[:16]}\n")


def test_when_everything_is_there_it_only_hands_over(checkout: Path, programs: Path) -> None:
    make_ready(checkout, programs, "runtime")
    done = run_dev(checkout, programs, "up", "--port", "9000")
    assert done.stdout == f"{checkout}/platform|-P -m backpath.cli up --port 9000\n"
    assert done.stderr == ""
    assert done.returncode == 0


def test_tests_need_more_than_the_platform(checkout: Path, programs: Path) -> None:
    """With the runtime alone `test` has to install, which cannot work on this machine."""
    make_ready(checkout, programs, "runtime")
    make_executable(programs, "python3", "exit 1")
    make_executable(programs, "uv", "exit 127")
    assert run_dev(checkout, programs, "up").returncode == 0
    make_ready(checkout, programs, "dev")
    assert run_dev(checkout, programs, "test").returncode == 0
    assert run_dev(checkout, programs, "up").returncode == 0


def test_a_changed_lock_is_installed(checkout: Path, programs: Path) -> None:
    make_ready(checkout, programs, "runtime")
    with (checkout / "requirements" / "runtime.txt").open("a") as lock:
        lock.write("another==1.0\n")
    make_executable(programs, "uv", UV)
    done = run_dev(checkout, programs, "up", UV_LOG=str(checkout / "uv.log"))
    assert done.returncode == 0, done.stderr
    called = (checkout / "uv.log").read_text()
    assert "pip sync --require-hashes" in called
    assert "requirements/runtime.txt" in called
    assert "requirements/dev.txt" not in called


# Answers as a recent uv, notes what it is asked, and makes what would be made.
UV = """
[ "$1" = --version ] && { echo "uv 0.13.9 (x86_64)"; exit 0; }
[ "$1" = python ] && exit 1
echo "$*|index=$UV_INDEX_URL|links=$UV_FIND_LINKS" >> "$UV_LOG"
[ "$1" = venv ] || exit 0
for word in "$@"; do last=$word; done
mkdir -p "$last/bin"
printf '#!/bin/sh\\necho handed over: $*\\n' > "$last/bin/python"
/bin/chmod +x "$last/bin/python"
"""


def a_python(programs: Path, name: str) -> None:
    make_executable(programs, name, f'exec {sys.executable} "$@"')


def test_a_first_start_makes_the_environment(checkout: Path, programs: Path) -> None:
    make_executable(programs, "uv", UV)
    a_python(programs, f"python3.{sys.version_info.minor}")
    log = checkout / "uv.log"
    done = run_dev(checkout, programs, "doctor", UV_LOG=str(log))
    assert done.stdout == "handed over: -P -m backpath.cli doctor\n", done.stderr
    first, second = log.read_text().splitlines()
    assert first.startswith("venv --quiet --no-project --clear --python")
    assert second.startswith("pip sync --require-hashes --python")
    again = run_dev(checkout, programs, "doctor", UV_LOG=str(log))
    assert again.stderr == ""
    assert len(log.read_text().splitlines()) == 2, "the second start installs nothing"


def test_the_settings_of_pip_hold_for_uv(checkout: Path, programs: Path) -> None:
    make_executable(programs, "uv", UV)
    a_python(programs, f"python3.{sys.version_info.minor}")
    log = checkout / "uv.log"
    mirror = "https://mirror.example.org/simple"
    done = run_dev(
        checkout, programs, "up", UV_LOG=str(log), PIP_INDEX_URL=mirror,
        PIP_FIND_LINKS="/wheels /more",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert log.read_text().endswith(f"|index={mirror}|links=/wheels,/more\n")


def test_the_settings_of_uv_come_first(checkout: Path, programs: Path) -> None:
    make_executable(programs, "uv", UV)
    a_python(programs, f"python3.{sys.version_info.minor}")
    log = checkout / "uv.log"
    run_dev(
        checkout, programs, "up", UV_LOG=str(log), PIP_INDEX_URL="https://pip.example.org",
        UV_INDEX_URL="https://uv.example.org",
    )  # fmt: skip
    assert "|index=https://uv.example.org|" in log.read_text()


def sentences(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return [line for line in done.stderr.splitlines() if line[:5] in {"Error", "What "}]


def hide_system_pythons(checkout: Path) -> None:
    """Make the script look in the tests' own folder alone."""
    script = (checkout / "dev").read_text()
    for path in ("/usr/bin/python3", "/usr/local/bin/python3"):
        script = script.replace(path, "/nonexistent/python3")
    script = script.replace('home=$(getent passwd "$(id -u)"', 'home=$(true "$(id -u)"')
    (checkout / "dev").write_text(script)


def test_launchers_that_only_print_an_error_count_as_absent(checkout: Path, programs: Path) -> None:
    """A version manager's uv and python3 exist and fail; there is nothing else."""
    hide_system_pythons(checkout)
    make_executable(programs, "uv", "echo 'uv: command not found' >&2; exit 127")
    make_executable(programs, "python3", "echo 'python3: command not found' >&2; exit 127")
    said = sentences(run_dev(checkout, programs, "up"))
    assert said == [
        "Error: there is no working python3 here.",
        "What to do: Install Python 3 (apt-get install python3 python3-venv) and run this again.",
    ]


def test_no_python_to_be_had_is_a_sentence_with_a_remedy(checkout: Path, programs: Path) -> None:
    make_executable(programs, "uv", f"{UV_VERSION}\nexit 2")
    hide_system_pythons(checkout)
    said = sentences(run_dev(checkout, programs, "up"))
    assert said[0].startswith("Error: no Python 3.12 or newer is here")
    assert said[1].startswith("What to do: Install Python 3.13")


UV_VERSION = '[ "$1" = --version ] && { echo "uv 0.13.9"; exit 0; }'


def test_packages_that_cannot_be_installed_say_what_was_said(
    checkout: Path, programs: Path
) -> None:
    failing = UV.replace(
        '[ "$1" = venv ] || exit 0',
        '[ "$1" = venv ] || { echo "no route to the index" >&2; exit 2; }',
    )
    make_executable(programs, "uv", failing)
    a_python(programs, f"python3.{sys.version_info.minor}")
    done = run_dev(checkout, programs, "up", UV_LOG=str(checkout / "uv.log"))
    assert "no route to the index" in done.stderr
    assert sentences(done)[0] == "Error: the Python packages could not be installed."
    assert not (checkout / ".venv" / ".backpath").exists(), "the next start must try again"


def test_an_old_uv_is_not_used(checkout: Path, programs: Path) -> None:
    """It is as if there were none: the pinned one is installed into the checkout."""
    make_executable(programs, "uv", 'echo "uv 0.4.30"')
    make_executable(programs, "python3", 'echo "$*" >> "$PYTHON_LOG"; [ "$1" = -c ]')
    done = run_dev(checkout, programs, "up", PYTHON_LOG=str(checkout / "python.log"))
    assert done.returncode == 1
    assert f"-m venv {checkout}/.cache/bootstrap" in (checkout / "python.log").read_text()
    assert sentences(done)[0] == "Error: python3 cannot make virtual environments here."


@pytest.mark.parametrize(
    ("sudo", "refusal"),
    [
        (None, "there is no sudo here."),
        ("exit 1", "sudo did not let this user do so."),
    ],
)
def test_what_root_alone_can_install_is_named(
    checkout: Path, programs: Path, sudo: str | None, refusal: str
) -> None:
    """Debian's python3 without python3-venv, for a user who is not root."""
    (programs / "id").unlink()
    make_executable(programs, "id", "echo 1000")
    make_executable(programs, "apt-get", "exit 1")
    make_executable(programs, "python3", '[ "$1" = -c ]')
    if sudo:
        make_executable(programs, "sudo", sudo)
    said = sentences(run_dev(checkout, programs, "up"))
    assert said[0] == f"Error: python3-venv has to be installed as root, and {refusal}"
    assert said[1].endswith("or ask an administrator to install python3-venv.")


def test_another_system_is_refused(checkout: Path, programs: Path) -> None:
    (programs / "uname").unlink()
    make_executable(programs, "uname", "echo Darwin")
    said = sentences(run_dev(checkout, programs, "up"))
    assert said[0] == "Error: Backpath runs on Linux; this is Darwin."


def test_the_script_is_executable_and_well_formed() -> None:
    script = REPOSITORY / "dev"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
