"""What the commands refuse before they measure anything."""

import subprocess
from pathlib import Path

import pytest
import typer

from backpath.cli import bench
from backpath.cli.console import CommandFailed
from tests.benchmarks.terminal import letters_of, numbers_of
from tests.cli.factories import make_command, make_environment


def run_bench(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        make_command("bench", *words),
        env=make_environment(tmp_path / "data"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_numbers_at_a_time() -> None:
    assert numbers_of("1,2,4", option="--concurrency") == (1, 2, 4)
    assert numbers_of("none", option="--concurrency") == ()


@pytest.mark.parametrize("text", ["", "0", "1,1", "two", "1,,2", "65", "-1"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--concurrency takes"):
        numbers_of(text, option="--concurrency")


@pytest.mark.parametrize("text", ["", "g", "a,a", "ab", "a,,b"])
def test_sides_that_are_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--sides takes"):
        letters_of(text, option="--sides", known="abcdef")


def test_sides() -> None:
    assert letters_of("f,a", option="--sides", known="abcdef") == ("f", "a")


def test_the_group_names_its_commands(tmp_path: Path) -> None:
    done = run_bench(tmp_path, "--help")
    assert done.returncode == 0
    for name in ("references", *bench.PROGRAMS):
        assert name in done.stdout


def test_a_program_has_help_of_its_own(tmp_path: Path) -> None:
    done = run_bench(tmp_path, "soak", "--help")
    assert done.returncode == 0
    assert "./dev bench soak" in done.stdout
    assert "--every" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sandbox", "--sides", "x"), "--sides takes different letters"),
        (("sandbox", "--concurrency", "0"), "--concurrency takes different numbers"),
        (("sandbox", "--rounds", "0", "--concurrency", "none"), "nothing is measured"),
        (("sandbox", "--json", "nowhere/file.json"), "There is no folder for"),
        (("soak", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("soak", "--json", "nowhere/file.json"), "There is no folder for"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = run_bench(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandFailed, match=r"tests\.benchmarks\.nothing is not part"):
        bench.become("tests.benchmarks.nothing", [])
    assert bench.module_exists("tests.benchmarks.soak")
    assert bench.module_exists("tests.benchmarks.sandbox")
