"""What a submission may contain: limits, names, and the words of a refusal.

Everything here is decided from names and counters alone; nothing is read or unpacked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MB: Final = 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024

# Small files may compress as well as they like: only bulk makes a bomb.
RATIO_FLOOR_BYTES: Final = MB
_NAME_BYTES: Final = 255
_SHOWN_CHARACTERS: Final = 200

# Left out of a submission without a word of blame: made by tools, never the learner's work.
IGNORED_FOLDERS: Final = frozenset(
    {
        "__MACOSX",
        "__pycache__",
        ".git",
        ".hg",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "node_modules",
        "venv",
    }
)
IGNORED_FILES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
IGNORED_SUFFIXES: Final = (".pyc", ".pyo")
# macOS writes a companion file of this prefix beside each file with extended attributes.
IGNORED_PREFIX: Final = "._"

_BIDI_CONTROLS: Final = frozenset(
    "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT ISOLATE}"
    "\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
)
_CATEGORY_RULES: Final = {
    "Cc": ("path_control", "a name may not contain control characters"),
    "Cf": ("path_invisible", "a name may not contain invisible characters"),
    "Cs": ("path_encoding", "a name must be valid UTF-8"),
    "Zl": ("path_invisible", "a name may not contain invisible characters"),
    "Zp": ("path_invisible", "a name may not contain invisible characters"),
}
_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class BundleLimits:
    """Bounds of one submission; sizes in bytes.

    `packed_bytes` bounds the upload, `unpacked_bytes` all that is read out of it,
    `file_bytes` one file. `files` counts what is kept, `entries` everything that is
    looked at, left-out files included. `ratio` is unpacked to packed size, for the
    whole and for each file of a zip, beyond `RATIO_FLOOR_BYTES`. `path_bytes` is UTF-8.
    """

    packed_bytes: int = 20 * MB
    unpacked_bytes: int = 100 * MB
    file_bytes: int = 25 * MB
    files: int = 2_000
    entries: int = 20_000
    depth: int = 20
    path_bytes: int = 512
    ratio: int = 100


@dataclass(frozen=True)
class Entry:
    """One entry of an archive.

    `kind` is `file`, `folder`, or what else it claims to be (`link`, `hardlink`,
    `device`, `fifo`, `socket`, `sparse`, `other`). `chunks` gives the content of a file
    and must be used up before the next entry is asked for.
    """

    path: str
    kind: str
    is_executable: bool
    chunks: Iterator[bytes]


class BundleRefused(Exception):
    """A submission broke a rule of what can be handed in; nothing of it was kept.

    `code` is stable and meant for programs, `path` is the offending entry (or the
    upload itself) with everything unprintable escaped, `rule` is one clause for the
    learner: what is not allowed, with the number where there is one.
    """

    def __init__(self, code: str, path: str | bytes, rule: str) -> None:
        self.code = code
        self.path = printable(path)
        self.rule = rule
        super().__init__(f"{self.path}: {rule}")


def size_words(size: int) -> str:
    """Say a number of bytes the way a learner reads it: `20 MB`, `1.5 MB`, `900 bytes`."""
    if size < MB:
        return f"{size:,} bytes"
    return f"{size / MB:.1f}".removesuffix(".0") + " MB"


def printable(text: str | bytes) -> str:
    """Return the text with every character that could hide or mislead written as an escape.

    Bytes are read as UTF-8; those that are not come out as `\\xNN`. Long texts are cut
    in the middle, so that both the folder and the file name stay recognisable.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if len(text) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        text = f"{text[:half]}…{text[-half:]}"
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # an undecodable byte, as surrogateescape carries it
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def split_path(path: str) -> tuple[str, ...]:
    """Split an entry's path into its names.

    Leading `./` and doubled slashes fall away. An empty tuple is the archive's own top
    folder.

    Raises `BundleRefused` for anything that could leave the folder, hide or mislead.
    """
    if "\0" in path:
        raise BundleRefused("path_nul", path, "a name may not contain NUL")
    for character in path:
        if character in _BIDI_CONTROLS:
            rule = "a name may not contain characters that turn the reading direction"
            raise BundleRefused("path_bidi", path, rule)
        if found := _CATEGORY_RULES.get(unicodedata.category(character)):
            raise BundleRefused(found[0], path, found[1])
    if "\\" in path:
        rule = "folders are separated by /, a name may not contain a backslash"
        raise BundleRefused("path_backslash", path, rule)
    if path.startswith("/"):
        raise BundleRefused("path_absolute", path, "a path may not start at the root")
    names = tuple(name for name in path.split("/") if name not in {"", "."})
    # In every place, for the folders around it may be taken off later; composed, for some
    # characters become a letter of ASCII that way.
    if any(_DRIVE.match(composed(name)) for name in names):
        rule = "a name may not begin with a drive letter and a colon"
        raise BundleRefused("path_drive", path, rule)
    if ".." in names:
        raise BundleRefused("path_parent", path, "a path may not lead upwards with ..")
    return names


def ignored_top(names: tuple[str, ...]) -> str | None:
    """Return the outermost left-out file or folder that the path lies in, or None."""
    for depth, name in enumerate(names, start=1):
        if name in IGNORED_FOLDERS:
            return "/".join(names[:depth])
    if names and (
        names[-1] in IGNORED_FILES
        or names[-1].endswith(IGNORED_SUFFIXES)
        or names[-1].startswith(IGNORED_PREFIX)
    ):
        return "/".join(names)
    return None


def check_shape(names: tuple[str, ...], limits: BundleLimits) -> None:
    """Refuse paths that are too deep or too long, and names that begin or end with a space.

    `names` are composed: some characters take more bytes that way.
    """
    path = "/".join(names)
    if len(names) > limits.depth:
        rule = f"folders may be nested at most {limits.depth} deep"
        raise BundleRefused("path_too_deep", path, rule)
    if len(path.encode()) > limits.path_bytes:
        rule = f"a path may have at most {limits.path_bytes} bytes"
        raise BundleRefused("path_too_long", path, rule)
    for name in names:
        if len(name.encode()) > _NAME_BYTES:
            rule = f"a name may have at most {_NAME_BYTES} bytes"
            raise BundleRefused("path_too_long", path, rule)
        if name != name.strip():
            rule = "a name may not begin or end with a space"
            raise BundleRefused("path_space", path, rule)


def check_ratio(unpacked: int, packed: int, limits: BundleLimits, path: str | bytes) -> None:
    """Refuse what grows beyond the allowed ratio, once it is large enough to matter."""
    if unpacked > RATIO_FLOOR_BYTES and unpacked > packed * limits.ratio:
        rule = f"it unpacks to more than {limits.ratio} times its packed size"
        raise BundleRefused("ratio", path, rule)


class Names:
    """The tree of names taken so far; two that some computer would take for one are refused."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[str, bool]] = {}

    def take(self, names: tuple[str, ...], *, is_folder: bool) -> None:
        """Enter a path and the folders above it, or raise `BundleRefused`."""
        path = "/".join(names)
        for depth in range(1, len(names)):
            self._enter("/".join(names[:depth]), is_folder=True, wanted=path)
        is_new = self._enter(path, is_folder=is_folder, wanted=path)
        if not is_new and not is_folder:
            raise BundleRefused("duplicate", path, "it is in the archive twice")

    def _enter(self, path: str, *, is_folder: bool, wanted: str) -> bool:
        key = composed(composed(path).casefold())
        if key not in self._taken:
            self._taken[key] = (path, is_folder)
            return True
        earlier, earlier_is_folder = self._taken[key]
        if earlier != path and composed(earlier) == composed(path):
            rule = "another name differs from it only in how its accents are stored"
            raise BundleRefused("collision_unicode", wanted, rule)
        if earlier != path:
            rule = f"it differs from {printable(earlier)} in upper and lower case only"
            raise BundleRefused("collision_case", wanted, rule)
        if earlier_is_folder != is_folder:
            rule = f"{printable(path)} is a file and a folder at once"
            raise BundleRefused("file_and_folder", wanted, rule)
        return False


def composed(path: str) -> str:
    """Return the path in Unicode's composed form.

    That is the form a module is looked up by on Linux; archives made on macOS often
    carry the decomposed one.
    """
    return unicodedata.normalize("NFC", path)
