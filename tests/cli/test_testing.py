import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backpath.cli import testing
from backpath.cli.console import CommandFailed
from backpath.cli.testing import (
    ALONE,
    LEFT_OUT,
    Check,
    Results,
    environment_of_tests,
    marker_expressions,
    production_environment,
)
from tests.cli.factories import make_command, make_environment, make_program


def test_the_installation_has_no_say_in_the_tests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://production")
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    monkeypatch.setenv("BACKPATH_HTTPS", "1")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "secret")
    monkeypatch.setenv("PIP_INDEX_URL", "a mirror")
    monkeypatch.setenv("BACKPATH_BASE_IMAGE", "debian")
    environment = environment_of_tests(tmp_path)
    assert not {"DATABASE_URL", "SECRET_KEY_FILE", "BACKPATH_HTTPS"} & environment.keys()
    assert "DJANGO_SUPERUSER_PASSWORD" not in environment
    assert environment["PIP_INDEX_URL"] == "a mirror"
    assert environment["BACKPATH_BASE_IMAGE"] == "debian"
    assert environment["BACKPATH_DATA_DIR"] == str(tmp_path / "data")


def test_production_settings_are_as_strict_as_can_be(tmp_path: Path) -> None:
    environment = production_environment(environment_of_tests(tmp_path))
    assert len(environment["SECRET_KEY"]) > 50
    assert environment["BACKPATH_HTTPS"] == "1"
    assert "DEBUG" not in environment


def test_every_test_is_in_one_of_the_two_runs(tmp_path: Path) -> None:
    """With one test for each marker and one without, pytest itself is asked."""
    lines = ["import pytest"]
    for marker in (*ALONE, LEFT_OUT):
        lines += [f"@pytest.mark.{marker}", f"def test_{marker}(): pass"]
    lines.append("def test_plain(): pass")
    (tmp_path / "test_all.py").write_text("\n".join(lines) + "\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n" + "".join(
        f"    {marker}\n" for marker in (*ALONE, LEFT_OUT)
    ))  # fmt: skip
    together, alone = (collect(tmp_path, expression) for expression in marker_expressions())
    assert together == {"test_plain"}
    assert alone == {f"test_{marker}" for marker in ALONE}


def collect(folder: Path, expression: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:django",
               "-m", expression]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=make_environment(folder), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    return {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}


def test_a_failed_check_shows_its_output_and_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    results = Results()
    testing._run_check(Check("good", lambda: (True, "not shown")), results)
    testing._run_check(Check("bad", lambda: (False, "line 3 is wrong")), results)
    said = capsys.readouterr().out
    assert "✓ good" in said
    assert "not shown" not in said
    assert "✗ bad" in said
    assert "line 3 is wrong" in said
    assert (results.passed, results.failed) == (["good"], ["bad"])


def run_tests(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        make_command("test", *words),
        env=make_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_step_can_be_run_alone(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "--only", "lock")
    assert done.returncode == 0, done.stdout
    assert "✓ lock check" in done.stdout
    assert "All 1 steps passed in 0 min" in done.stdout


def test_an_unknown_step_is_refused(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "--only", "spelling")
    assert done.returncode == 1
    assert "No step has that name." in done.stderr


def test_pytest_codes_count_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([5, 1])
    monkeypatch.setattr(testing, "run_to_its_end", lambda *_: next(codes))
    results = Results()
    testing._run_pytest([], {}, results, can_grade=True)
    assert results.passed == ["pytest, side by side"]
    assert results.failed == ["pytest, one at a time"]


@pytest.mark.parametrize("arguments", [["-m", "docker"], ["-mdocker"], ["-m=docker"]])
def test_a_marker_of_ones_own_is_one_run_that_has_to_find_something(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(testing, "run_to_its_end", lambda *_: 5)
    results = Results()
    testing._run_pytest(arguments, {}, results, can_grade=True)
    assert results.failed == ["pytest"]


def test_a_failed_set_up_is_a_failed_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise CommandFailed("Redis could not be installed.", "Install it.")

    monkeypatch.setattr(testing, "install_missing_tools", refuse)
    results = Results()
    assert testing._set_up(results) is False
    assert results.failed == ["set-up of the tests"]


CLEANS_UP = """
import signal, sys, time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    open(sys.argv[1], "w").write("cleaned up")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_has_time_to_clean_up(tmp_path: Path, number: signal.Signals) -> None:
    """As a terminal does it, Ctrl-C goes to both processes, SIGTERM to the first alone."""
    traces = tmp_path / "traces"
    lines = [
        "import sys",
        "from backpath.cli.testing import run_to_its_end",
        f"command = [sys.executable, '-c', {CLEANS_UP!r}, {str(traces)!r}]",
        "try: run_to_its_end(command, None)",
        "except KeyboardInterrupt: sys.exit(130)",
    ]
    process = subprocess.Popen(
        make_program(tmp_path, "outer", lines),
        env=make_environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(timeout=30) == 130
    assert traces.read_text() == "cleaned up"
