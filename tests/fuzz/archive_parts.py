"""Archives taken apart: where their headers lie, and what else could stand there."""

from __future__ import annotations

import io
import stat
import tarfile
import warnings
import zipfile

from hypothesis import strategies as st

# Zip: offset and width of the fields of each structure, by its magic (PKWARE's APPNOTE).
ZIP_FIELDS: dict[bytes, list[tuple[int, int]]] = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [
        (4, 2),
        (5, 1),
        (8, 2),
        (10, 2),
        (16, 4),
        (20, 4),
        (24, 4),
        (28, 2),
        (30, 2),
        (32, 2),
        (34, 2),
        (36, 2),
        (38, 4),
        (40, 2),
        (42, 4),
    ],
    b"PK\x05\x06": [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
    b"PK\x06\x06": [(4, 8), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)],
    b"PK\x06\x07": [(4, 4), (8, 8), (16, 4)],
    b"PK\x07\x08": [(4, 4), (8, 4), (12, 4)],
}
# Tar: offset and width of the fields of a header block (POSIX.1-1988).
TAR_FIELDS = [
    (0, 100),
    (100, 8),
    (108, 8),
    (124, 12),
    (136, 12),
    (148, 8),
    (156, 1),
    (157, 100),
    (257, 8),
    (329, 8),
    (345, 155),
]
BLOCK = 512

# Composed, decomposed, and with characters whose composed form is longer, or plain ASCII.
FOREIGN = (
    "é",
    "e\u0301",
    "\u0958",
    "\u212a",
    "\u2126",
    "\u1d15e",
    "\ufb2c",
    "ﬁ",
    "ß",
    "İ",
    "\uac00",
)
HOSTILE_NAMES = (
    "..",
    "../up",
    "/root",
    "C:",
    "\u212a:",
    "a\\b",
    "a\x00b",
    "a\u202eb",
    "a\u200bb",
    "a\nb",
    " a",
    "a ",
    "\u2000a",
    ".",
    "./",
    "",
    "a//b",
    "A/b",
    "a",
    "a/",
    "__MACOSX/a",
    ".git",
    "x.pyc",
    "._x",
    "CON",
)
_letters = st.sampled_from([*"aAbB01._-", *FOREIGN])
_plain_names = st.lists(_letters, min_size=1, max_size=6).map("".join)
_long_names = st.builds(
    lambda letter, times: letter * times, _letters, st.sampled_from([84, 85, 127, 128, 255, 256])
)
_parts = _plain_names | _plain_names | _long_names | st.sampled_from(HOSTILE_NAMES)
paths = st.lists(_parts, min_size=1, max_size=4).map("/".join) | st.builds(
    lambda depth: "d/" * depth + "f", st.sampled_from([18, 19, 20, 21])
)
trees = st.lists(
    st.tuples(st.sampled_from(["Procfile", "app/main.py"]) | paths, st.binary(max_size=60)),
    min_size=1,
    max_size=6,
)
"""Files as (path, content), in order; a path may come twice."""


class _Unseekable(io.RawIOBase):
    """A target that zipfile must stream to, so that sizes come after the content."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._target.write(data)  # type: ignore[arg-type]  # bytes, as zipfile writes


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """Valid zips of every dialect the standard library writes."""
    target = io.BytesIO()
    stream = _Unseekable(target) if draw(st.booleans()) else target
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)  # a name may well come twice
        for path, content in draw(trees):
            info = zipfile.ZipInfo(path.split("\0")[0] or "x")
            info.compress_type = method
            info.external_attr = draw(
                st.sampled_from([0, stat.S_IFREG | 0o755, stat.S_IFLNK | 0o777, stat.S_IFDIR])
            ) << 16 | draw(st.sampled_from([0, 0, 0, 16]))
            info.extra = draw(
                st.sampled_from([b"", b"UT\x05\0\x03abcd", b"\x01\0\x08\0" + bytes(8)])
            )
            with archive.open(info, "w", force_zip64=draw(st.booleans())) as file:
                file.write(content)
        archive.comment = draw(st.sampled_from([b"", b"PK\x05\x06", b"note"]))
    return target.getvalue()


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """Valid tars of every layout, with every kind of entry."""
    layout = draw(st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    target = io.BytesIO()
    kinds = st.sampled_from([tarfile.REGTYPE] * 6 + [b"\0", *b"123456SLKx"])
    with tarfile.open(fileobj=target, mode="w", format=layout) as archive:
        for path, content in draw(trees):
            member = tarfile.TarInfo(path)
            kind = draw(kinds)
            member.type = kind if isinstance(kind, bytes) else bytes([kind])
            member.size = len(content) if member.isreg() else 0
            member.mode = draw(st.sampled_from([0o644, 0o755, 0, 0o7777]))
            if layout == tarfile.PAX_FORMAT:
                member.pax_headers = draw(pax_headers)
            try:
                archive.addfile(member, io.BytesIO(content))
            except (ValueError, UnicodeError):
                # A name that this layout cannot hold.
                continue
    return target.getvalue()


pax_headers = st.dictionaries(
    st.sampled_from(["path", "size", "linkpath", "GNU.sparse.major", "comment", "hdrcharset"]),
    st.sampled_from(["", "0", "1", "-1", "9" * 30, "../x", "a", "é", "BINARY"]),
    max_size=1,
)


def structures(data: bytes) -> list[tuple[int, list[tuple[int, int]]]]:
    """Where the headers of an archive begin, and their fields."""
    if data.startswith(b"PK"):
        found = []
        for magic, fields in ZIP_FIELDS.items():
            at = data.find(magic)
            while at >= 0:
                found.append((at, fields))
                at = data.find(magic, at + 1)
        return sorted(found)
    starts = range(0, len(data) - BLOCK + 1, BLOCK)
    headers = [at for at in starts if data[at + 257 : at + 262] == b"ustar"]
    return [(at, TAR_FIELDS) for at in headers]


def _zip_values(data: bytes, at: int, width: int) -> list[bytes]:
    here = int.from_bytes(data[at : at + width], "little")
    most = (1 << 8 * width) - 1
    offsets = [start for start, _ in structures(data)]
    numbers = [0, 1, here + 1, here - 1, here ^ 8, most, most - 1, most >> 1, len(data), *offsets]
    return [(number & most).to_bytes(width, "little") for number in numbers]


def _tar_values(width: int) -> list[bytes]:
    words = [b"", b"0", b"1", b"-1", b"7" * width, b"8", b" 644 \0", b"\x80" + b"\xff" * 11]
    words += [b"\xff" * width, b"\x80" + bytes(width), b"../x", b"a\0b", "é".encode(), b"ustar  \0"]
    words += [bytes([kind]) for kind in b"0123456789gxLKSDMNVX\0\xff"]
    return [word[:width].ljust(width, b"\0") for word in words]


def resummed(data: bytes) -> bytes:
    """A tar whose header checksums fit, wherever a header may be."""
    changed = bytearray(data)
    for at in range(0, len(changed) - BLOCK + 1, BLOCK):
        block = changed[at : at + BLOCK]
        if block[257:262] == b"ustar":
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            changed[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(changed)


@st.composite
def altered(draw: st.DrawFn, data: bytes) -> bytes:
    """An archive with a few header fields that say something else."""
    changed = bytearray(data)
    places = structures(data)
    for _ in range(draw(st.integers(1, 3)) if places else 0):
        start, fields = draw(st.sampled_from(places))
        offset, width = draw(st.sampled_from(fields))
        at = start + offset
        is_zip = data.startswith(b"PK")
        values = _zip_values(data, at, width) if is_zip else _tar_values(width)
        changed[at : at + width] = draw(st.sampled_from(values) | st.binary(max_size=width))
    return bytes(changed)


def _swap(data: bytes, first: int, second: int, size: int) -> bytes:
    low, high = sorted((first * size, second * size))
    return data[:low] + data[high : high + size] + data[low + size : high] + data[low:]


@st.composite
def rearranged(draw: st.DrawFn, data: bytes, other: bytes) -> bytes:
    """An archive cut, joined with another, or with its blocks in another order."""
    at, to = (draw(st.integers(0, max(0, len(data) - 1))) for _ in range(2))
    block = at - at % BLOCK
    match draw(st.sampled_from(["join", "graft", "splice", "gap", "nest", "swap", "cut", "shift"])):
        case "join":
            return data + other
        case "graft":
            return data[:at] + other
        case "splice":
            return data[:at] + other[to:]
        case "gap":
            return data[:block] + bytes(BLOCK) + data[block:]
        case "nest":
            return data[:block] + other + data[block:]
        case "swap":
            return _swap(data, at // BLOCK, to // BLOCK, BLOCK)
        case "cut":
            return data[:at]
    return bytes(to % 3) + data
