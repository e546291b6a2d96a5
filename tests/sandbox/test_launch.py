"""Which commands may be a fork of the warmed-up agent, and which need a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import launch

ENVIRONMENT = {"PORT": "4711", "HOST": "127.0.0.1", "DATA_DIR": "/data/1"}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A submission with app.py and a bin folder with one console script."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / "uvicorn").write_text(f"#!{scripts}/python\nprint()\n")
    (scripts / "binary").write_bytes(b"\x7fELF")
    monkeypatch.setattr(launch, "VENV_BIN", scripts)
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "app.py").write_text("")
    (directory / "sub").mkdir()
    (directory / "sub" / "serve.py").write_text("")
    return directory


@pytest.mark.parametrize(
    ("line", "argv", "first_path"),
    [
        ("python app.py", ["app.py"], "work"),
        ("exec python3 app.py --port $PORT", ["app.py", "--port", "4711"], "work"),
        ("python sub/serve.py ${PORT:-8000}", ["sub/serve.py", "4711"], "work/sub"),
        ("uvicorn app:app --host $HOST --port ${PORT}", None, "bin"),
        ("python -m http.server $PORT", ["http.server", "4711"], "work"),
    ],
)
def test_a_plain_python_command_is_understood(project, line, argv, first_path):
    command = launch.parse(line, ENVIRONMENT, project)

    assert command is not None
    assert command.first_path == project.parent / first_path
    if argv is not None:
        assert command.argv == argv
    else:
        assert command.argv[1:] == ["app:app", "--host", "127.0.0.1", "--port", "4711"]


@pytest.mark.parametrize(
    "line",
    [
        "python app.py && echo done",
        "python app.py; rm -rf /",
        "python app.py | tee log",
        "python app.py > log",
        "python 'app.py'",
        "python $(echo app.py)",
        "python `echo app.py`",
        "python *.py",
        "python ~/app.py",
        "python app.py # comment",
        "python app.py $UNKNOWN",
        "python app.py ${PORT%7}",
        "DEBUG=1 python app.py",
        "python -X dev app.py",
        "python -c print",
        "python missing.py",
        "python",
        "./uvicorn app:app",
        "../bin/uvicorn app:app",
        "uvicorn --app-dir=sub app:app",
        "gunicorn app:app --pythonpath sub",
        "binary --port $PORT",
        "/usr/bin/env python app.py",
        "",
    ],
)
def test_whatever_a_shell_would_treat_otherwise_goes_to_the_shell(project, line):
    assert launch.parse(line, ENVIRONMENT, project) is None


def test_names_that_shadow_what_is_imported_are_found(tmp_path):
    for name in ("json.py", "socket.pyc", "notes.txt", "logging", "mine.py", "wire.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "email").mkdir()

    import email
    import logging

    assert email
    assert logging
    assert launch.shadowed([tmp_path, tmp_path / "none"]) == {"json", "socket", "email"}
