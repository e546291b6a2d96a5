"""Starting the learner's command: as a fork of this warmed-up process where that is the same
thing, through a shell where it is not.

`python app.py`, `uvicorn main:app --port $PORT` and the like begin by importing a framework
that the agent has imported already. A fork of the agent that then does what the interpreter
would have done starts in milliseconds. Whatever could tell the difference (shell syntax, a
module of the learner's that shadows an imported one, an interpreter option, an environment of
the command's own) takes the ordinary way.
"""

from __future__ import annotations

import os
import re
import runpy
import signal
import socket
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NoReturn

from agent import syscalls
from wire.process import set_dumpable

VENV_BIN = Path("/opt/backpath/venv/bin")
OWN_ROOT = "/opt/backpath"
OWN_CODE = f"{OWN_ROOT}/agent"
INTERPRETERS = frozenset({"python", "python3", "python3.13"})
# Options that put another folder first on the module path.
PATH_OPTIONS = ("--app-dir", "--pythonpath", "--chdir", "--python-path")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::-[\w.]*)?\})")
_SHELL = re.compile(r"[|&;<>()`\\*?\[\]{}~#!\n\"'$]")
_OWN_PACKAGES = ("agent", "wire")


@dataclass(frozen=True)
class Command:
    """A Python program as the interpreter would be given it."""

    argv: list[str]
    script: Path | None
    """The file to run; None for `-m`."""
    module: str | None
    first_path: Path
    """What comes first on the module path."""


def parse(line: str, environment: Mapping[str, str], directory: Path) -> Command | None:
    """Return the Python program that `line` runs, or None where a shell has to."""
    try:
        expanded = _VARIABLE.sub(lambda match: environment[match[1] or match[2]], line)
    except KeyError:
        return None
    if _SHELL.search(expanded):
        return None
    words = expanded.removeprefix("exec ").split()
    if not words or "=" in words[0] or any(word.startswith(PATH_OPTIONS) for word in words):
        return None
    if words[0] not in INTERPRETERS:
        return _console_script(words)
    if words[1:2] == ["-m"] and len(words) > 2:
        return Command(argv=words[2:], script=None, module=words[2], first_path=directory)
    if len(words) > 1 and not words[1].startswith("-"):
        script = directory / words[1]
        if script.is_file():
            return Command(words[1:], script, None, script.resolve().parent)
    return None


def _console_script(words: list[str]) -> Command | None:
    """Return the entry point of an installed package by its name, such as `uvicorn`."""
    script = VENV_BIN / words[0]
    if "/" in words[0] or words[0].startswith(".") or script.is_symlink():
        return None
    try:
        with script.open("rb") as file:
            is_ours = file.readline().startswith(b"#!" + bytes(VENV_BIN) + b"/python")
    except OSError:
        return None
    argv = [str(script), *words[1:]]
    return Command(argv, script, None, VENV_BIN) if is_ours else None


def shadowed(folders: Iterable[Path]) -> set[str]:
    """Return the imported top-level modules that a file or folder in `folders` would shadow."""
    imported = {name for name in sys.modules if "." not in name and name not in _OWN_PACKAGES}
    found: set[str] = set()
    for folder in folders:
        with suppress(OSError):
            found |= {_module_name(entry) for entry in os.scandir(folder)}
    return found & imported


def _module_name(entry: os.DirEntry[str]) -> str:
    """Return the name by which `entry` could be imported, or an empty one."""
    if entry.name.endswith((".py", ".pyc", ".so")) or entry.is_dir():
        return entry.name.partition(".")[0]
    return ""


class Child(BaseException):
    """Raised in a forked child, to leave every frame of the agent behind before it runs."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__()
        self.run = run


def fork(prepare: Callable[[], Callable[[], object]]) -> int:
    """Fork; return the child's pid. The child calls `prepare` and then what that returns, once
    no frame of the agent is left on its stack. Raises OSError when no process can be made."""
    pid = os.fork()
    if pid:
        return pid
    try:
        run = prepare()
    except BaseException:
        # A child that goes on as a second agent would be worse than none.
        traceback.print_exc()
        os._exit(127)
    raise Child(run)


def become(
    *,
    directory: Path,
    environment: Mapping[str, str],
    output: int,
    keep: Iterable[int] = (),
) -> None:
    """Turn this freshly forked child into a process of its own: session, streams, signals."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _close_all_but({0, 1, 2, *keep})
    # Where memory runs out, this goes first and the agent stays to say so.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    set_dumpable(True)
    syscalls.give_up()
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)


def _close_all_but(kept: set[int]) -> None:
    start = 0
    for fd in sorted(kept):
        if start < fd:  # an empty range that begins at 0 would be all of them
            os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def run_shell(line: str) -> NoReturn:
    """Replace this process by a shell that runs `line`."""
    # Python ignores these two and passes that on; a shell and what it starts would not expect it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    set_dumpable(True)
    os.execv("/bin/sh", ["/bin/sh", "-c", line])  # noqa: S606 - the learner's command, in its box


def run_python(command: Command) -> None:
    """Do what the interpreter does with `command`; call it with nothing else on the stack."""
    _forget_ourselves()
    sys.path.insert(0, str(command.first_path))
    # In place: a module that was imported early may have kept the list itself.
    sys.argv[:] = command.argv
    sys.orig_argv = [sys.executable, *command.argv]
    sys.excepthook = _excepthook
    if command.module is not None:
        sys.argv[0] = command.module
        runpy.run_module(command.module, run_name="__main__", alter_sys=True)
        return
    if command.script is None:
        raise ValueError("neither a script nor a module")
    path = str(command.script)
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __file__=path,
        __builtins__=__builtins__,
        __loader__=SourceFileLoader("__main__", path),
        __cached__=None,
    )
    sys.modules["__main__"] = main
    code = compile(command.script.read_bytes(), path, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # noqa: S102 - the learner's program


def run_modules(descriptor: int, directory: Path) -> None:
    """Serve the learner's modules on a connected socket."""
    from agent.modules import serve  # noqa: PLC0415 - only a few assignments need it

    _forget_ourselves()
    sys.path.insert(0, str(directory))
    serve(socket.socket(fileno=descriptor), directory)


def _forget_ourselves() -> None:
    """Take the agent's own modules out of sight; what they hold is the learner's anyway."""
    for name in list(sys.modules):
        if name.partition(".")[0] in _OWN_PACKAGES:
            del sys.modules[name]
    sys.path.remove(OWN_ROOT)


def _excepthook(
    kind: type[BaseException], error: BaseException, trace: types.TracebackType | None
) -> None:
    """Print a traceback that begins in the learner's code, as without us."""
    while trace is not None and (
        trace.tb_frame.f_code.co_filename.startswith((OWN_CODE, "<frozen runpy>"))
    ):
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)
