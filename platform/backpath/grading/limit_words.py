"""What a learner is told of a limit: what it is, how much was used, what usually causes it.

Pure words from numbers. A figure that nobody measured is not made up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

# Verdict -> kinds of limits that bring it about.
DECIDING: Final[Mapping[str, frozenset[str]]] = {
    "timed_out": frozenset({"wall", "cpu"}),
    "out_of_memory": frozenset({"memory"}),
}
NAMES: Final[Mapping[str, str]] = {
    "wall": "time",
    "cpu": "computing time",
    "memory": "memory",
    "processes": "processes and threads",
    "disk": "disk space",
    "inodes": "number of files",
    "file_size": "size of a file",
    "open_files": "open files and connections",
    "output": "output",
}
CAUSES: Final[Mapping[str, str]] = {
    "wall": "A request that takes long to answer, or never does, is the usual cause: a wait "
    "without an end, a lock that is not given back, a loop without a way out.",
    "cpu": "A loop without an end, or the same work done again for each request, is the usual "
    "cause. Waiting does not count.",
    "memory": "Something that grows with every request, or a whole file or table that is read "
    "at once, is the usual cause. Files in DATA_DIR and /tmp count as memory too.",
    "processes": "A new thread or process for each request, or a worker count set from the "
    "number of CPUs, is the usual cause.",
    "disk": "A file that grows with every request, or data that is never deleted, is the usual "
    "cause.",
    "inodes": "A new file for each request or record is the usual cause. A database keeps many "
    "records in one file.",
    "file_size": "A log without an end, or a file that is only ever added to, is the usual cause.",
    "open_files": "Files and connections that are opened for each request and never closed are "
    "the usual cause. In Python, `with` closes them.",
    "output": "An answer without an end, or a whole table in one answer instead of pages, is the "
    "usual cause.",
}


@dataclass(frozen=True)
class LimitWords:
    """`headline` is a sentence of its own, `told` the limit and the use, `cause` where to look.

    `name` is what was limited, as in "the limit on memory".
    """

    kind: str
    name: str
    headline: str
    told: str
    cause: str


def limit_words(limit: Mapping[str, Any] | None) -> LimitWords | None:
    """Return the words for a report's limit (`kind`, `limit`, `used`, `unit`); None for none."""
    if limit is None or limit.get("kind") not in CAUSES:
        return None
    kind, unit = str(limit["kind"]), str(limit["unit"])
    used = limit.get("used")
    headline, told = _SENTENCES[kind](
        amount(limit["limit"], unit), None if used is None else amount(used, unit)
    )
    return LimitWords(kind=kind, name=NAMES[kind], headline=headline, told=told, cause=CAUSES[kind])


def decides(verdict: str, kind: str) -> bool:
    """Whether a limit of this kind is what brought the verdict about."""
    return kind in DECIDING.get(verdict, frozenset())


def amount(value: float, unit: str) -> str:
    """Return `120 seconds`, `30.4 seconds`, `512 MB`, or a bare number for what is counted."""
    rounded = round(float(value), 1)
    number = f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:,.1f}"
    if unit == "s":
        return f"{number} second{'' if number == '1' else 's'}"
    if unit == "bytes":
        return f"{number} byte{'' if number == '1' else 's'}"
    return f"{number} MB" if unit == "MiB" else number


_Sentences = tuple[str, str]


def _wall(limit: str, _used: str | None) -> _Sentences:
    return (
        f"Time ran out after {limit}.",
        f"All checks together have {limit}, counted from when your application is ready.",
    )


def _cpu(limit: str, used: str | None) -> _Sentences:
    measured = f"It computed for {used}; " if used else ""
    return (
        f"Your application used up its {limit} of computing time.",
        f"{measured}{limit} is the limit here, counted from when it is ready.",
    )


def _memory(limit: str, used: str | None) -> _Sentences:
    measured = f"It had {used} in use; " if used else ""
    return (
        f"Your application needed more than {limit} of memory.",
        f"{measured}{limit} is the limit here, and what goes beyond it is stopped.",
    )


def _processes(limit: str, _used: str | None) -> _Sentences:
    return (
        "Your application ran into the limit on processes and threads.",
        f"Your application had {limit} processes and threads, which is the limit here.",
    )


def _disk(limit: str, used: str | None) -> _Sentences:
    filled = f"{used} of {limit}" if used and used != limit else f"all {limit}"
    return (
        "Your application filled its disk.",
        f"Your application used {filled} of a folder that it may write to.",
    )


def _inodes(limit: str, used: str | None) -> _Sentences:
    made = f"{used} files and folders in one place; " if used else "too many files and folders; "
    return (
        "Your application made as many files as it may.",
        f"Your application had {made}{limit} is the limit here.",
    )


def _file_size(limit: str, _used: str | None) -> _Sentences:
    return (
        "A file of your application cannot grow any more.",
        f"One file reached {limit}, which is the limit for a single file here.",
    )


def _open_files(limit: str, used: str | None) -> _Sentences:
    had = f"One process of your application had {used or limit} files and connections open"
    is_exact = used is None or used == limit
    return (
        "Your application ran into the limit on open files.",
        f"{had}, which is the limit here." if is_exact else f"{had}; {limit} is the limit here.",
    )


def _output(limit: str, used: str | None) -> _Sentences:
    return (
        "Your application sent more than is taken.",
        f"Your application sent {used or 'more'} in all; {limit} is the limit here.",
    )


_SENTENCES: Final[Mapping[str, Callable[[str, str | None], _Sentences]]] = {
    "wall": _wall,
    "cpu": _cpu,
    "memory": _memory,
    "processes": _processes,
    "disk": _disk,
    "inodes": _inodes,
    "file_size": _file_size,
    "open_files": _open_files,
    "output": _output,
}
