import subprocess
from pathlib import Path

import pytest
import typer

from backpath.cli import main
from backpath.cli.console import CommandFailed
from tests.cli.factories import make_command, make_environment


def run_command(tmp_path: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        make_command(*words),
        env=make_environment(tmp_path / "data", **extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_without_loading_them(tmp_path: Path) -> None:
    done = run_command(tmp_path, "--help")
    assert done.returncode == 0
    for name, command in main.COMMANDS.items():
        assert name in done.stdout
        assert command.help in done.stdout


def test_an_unknown_command_is_refused_plainly(tmp_path: Path) -> None:
    done = run_command(tmp_path, "upp")
    assert done.returncode == 2
    assert "No such command 'upp'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_that_is_not_in_this_checkout_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = main.Command("backpath.cli.not_there:run", "Not here.")
    monkeypatch.setitem(main.COMMANDS, "gone", gone)
    with pytest.raises(CommandFailed) as refused:
        main.load("gone")
    assert refused.value.problem == "The command gone is not part of this checkout."


def test_a_broken_import_inside_a_command_is_not_taken_for_a_missing_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_command.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = main.Command("broken_command:run", "Broken.")
    monkeypatch.setitem(main.COMMANDS, "broken", broken)
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        main.load("broken")


@pytest.mark.parametrize(
    ("error", "printed", "code"),
    [
        (
            CommandFailed("It is full.", "Empty it."),
            "Error: It is full.\nWhat to do: Empty it.\n",
            1,
        ),
        (CommandFailed("It broke.", said="last words"), "    last words\nError: It broke.\n", 1),
        (KeyboardInterrupt(), "", 130),
        (
            ValueError("odd\nsecond line"),
            "Error: Something unexpected went wrong: ValueError: odd\n",
            1,
        ),
    ],
)
def test_every_failure_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    printed: str,
    code: int,
) -> None:
    def failing(_wanted: str | None) -> typer.Typer:
        raise error

    monkeypatch.setattr(main, "application", failing)
    monkeypatch.setattr("sys.argv", ["dev", "up"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    said = capsys.readouterr()
    assert ended.value.code == code
    assert said.out == ""
    assert said.err.startswith(printed)
    assert "Traceback" not in said.err
