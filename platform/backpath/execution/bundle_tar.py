"""Reads the entries of a tar, plain or gzipped, as a stream that is cut off at the limits.

`tarfile` parses each 512-byte header here, and no more: its own walk through an archive
takes a damaged header for the end, reads extension headers of any size into memory and
follows sparse maps, none of which may happen with an archive from a stranger.
"""

from __future__ import annotations

import stat
import tarfile
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from backpath.execution.bundle_rules import (
    CHUNK_BYTES,
    BundleLimits,
    BundleRefused,
    Entry,
    check_ratio,
    size_words,
)

_BLOCK: Final = tarfile.BLOCKSIZE
_EMPTY_BLOCK: Final = bytes(_BLOCK)
# Long names and attributes fit many times over; more than this is an attack or a mistake.
_EXTENSION_BYTES: Final = 256 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"

_PAX: Final = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
_EXTENSIONS: Final = _PAX | {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_KINDS: Final = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.LNKTYPE: "hardlink",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "fifo",
    tarfile.GNUTYPE_SPARSE: "sparse",
}


class _Source(Protocol):
    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, or fewer at the end."""


class PlainSource:
    """A tar that lies in memory as it is."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, or fewer at the end."""
        piece = bytes(self._data[self._position : self._position + size])
        self._position += len(piece)
        return piece


class GzipSource:
    """A gzipped tar in memory, inflated as it is read and never further."""

    def __init__(self, data: bytes, name: str, limits: BundleLimits) -> None:
        self._packed = memoryview(data)
        self._name = name
        self._limits = limits
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._position = 0
        self._waiting = b""
        self._size = 0

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, or fewer at the end; raise `BundleRefused`."""
        pieces = []
        missing = size
        while missing and not self._inflate.eof:
            piece = self._next_piece(missing)
            missing -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _next_piece(self, at_most: int) -> bytes:
        if not self._waiting:
            self._waiting = bytes(self._packed[self._position : self._position + CHUNK_BYTES])
            self._position += len(self._waiting)
        try:
            piece = self._inflate.decompress(self._waiting, at_most)
        except zlib.error:
            raise BundleRefused("damaged", self._name, "the gzip data is damaged") from None
        if not (piece or self._waiting or self._inflate.eof):
            raise BundleRefused("truncated", self._name, "the gzip data ends too early")
        self._waiting = self._inflate.unconsumed_tail
        if self._inflate.eof:
            self._check_nothing_follows()
        self._size += len(piece)
        if self._size > self._limits.unpacked_bytes:
            rule = f"it unpacks to more than {size_words(self._limits.unpacked_bytes)}"
            raise BundleRefused("unpacked_too_large", self._name, rule)
        used = self._position - len(self._waiting)
        check_ratio(self._size, used, self._limits, self._name)
        return piece

    def _check_nothing_follows(self) -> None:
        rest = self._inflate.unused_data or bytes(self._packed[self._position :][:2])
        if rest.startswith(_GZIP_MAGIC):
            rule = "it is several gzip files one after the other; hand in a single one"
            raise BundleRefused("several_members", self._name, rule)
        if rest:
            raise BundleRefused("trailing_data", self._name, "there is more after the gzip data")


class _Overrides:
    """What the extension headers before an entry say about it."""

    def __init__(self) -> None:
        self.path: bytes | None = None
        self.size: int | None = None
        self.is_sparse = False


def read_tar(source: _Source, name: str, limits: BundleLimits) -> Iterator[Entry]:
    """Yield the entries of the tar in order; raise `BundleRefused`.

    `name` stands for the archive itself in refusals.
    """
    overrides: _Overrides | None = None
    headers = 0
    while block := _read_block(source, name):
        headers += 1
        if headers > 4 * limits.entries:
            rule = f"at most {limits.entries:,} entries are looked at"
            raise BundleRefused("too_many_entries", name, rule)
        header = _header(block, name)
        if header.type == tarfile.XGLTYPE:
            _check_global(_extension(source, header, name), name)
        elif header.type in _EXTENSIONS:
            overrides = overrides or _Overrides()
            _read_extension(_extension(source, header, name), header.type, overrides, name)
        else:
            yield _entry(source, header, overrides or _Overrides())
            overrides = None
    if overrides is not None:
        raise BundleRefused("damaged", name, "its last header belongs to no entry")
    _check_only_padding(source, name)


def _read_block(source: _Source, name: str) -> bytes | None:
    """Return the next header block, or None at a proper end of the archive."""
    block = source.read(_BLOCK)
    if block == _EMPTY_BLOCK:
        block = source.read(_BLOCK)
        if block == _EMPTY_BLOCK:
            return None
        if len(block) == _BLOCK:
            raise BundleRefused("trailing_data", name, "there is more after the end of the tar")
    if len(block) < _BLOCK:
        raise BundleRefused("truncated", name, "the end of the tar is missing")
    return block


def _header(block: bytes, name: str) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError):
        raise BundleRefused("damaged", name, "one of its headers is damaged") from None
    if header.size < 0:
        raise BundleRefused("damaged", _raw(header), "its size is negative")
    return header


def _raw(header: tarfile.TarInfo) -> bytes:
    return header.name.encode("utf-8", "surrogateescape")


def _entry(source: _Source, header: tarfile.TarInfo, overrides: _Overrides) -> Entry:
    path = _raw(header) if overrides.path is None else overrides.path
    size = header.size if overrides.size is None else overrides.size
    kind = "sparse" if overrides.is_sparse else _KINDS.get(header.type, "other")
    if kind == "file" and path.endswith(b"/"):
        kind = "folder"
    if kind == "folder" and size:
        raise BundleRefused("folder_with_data", path, "a folder may not have content of its own")
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        raise BundleRefused("path_encoding", path, "a name must be valid UTF-8") from None
    chunks = _chunks(source, size if kind == "file" else 0, path)
    return Entry(text, kind, bool(header.mode & stat.S_IXUSR), chunks)


def _chunks(source: _Source, size: int, path: bytes) -> Iterator[bytes]:
    missing = size
    while missing:
        piece = source.read(min(missing, CHUNK_BYTES))
        if not piece:
            raise BundleRefused("truncated", path, "the archive ends in the middle of it")
        missing -= len(piece)
        yield piece
    padding = -size % _BLOCK
    if len(source.read(padding)) != padding:
        raise BundleRefused("truncated", path, "the archive ends in the middle of it")


def _extension(source: _Source, header: tarfile.TarInfo, name: str) -> bytes:
    if header.size > _EXTENSION_BYTES:
        rule = f"one of its headers has more than {size_words(_EXTENSION_BYTES)}"
        raise BundleRefused("header_too_large", name, rule)
    return b"".join(_chunks(source, header.size, name.encode("utf-8", "replace")))


def _read_extension(content: bytes, kind: bytes, overrides: _Overrides, name: str) -> None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        overrides.path = content.rstrip(b"\0")
    elif kind in _PAX:
        for key, value in _pax_records(content, name):
            if key.startswith(b"GNU.sparse."):
                overrides.is_sparse = True
            elif key == b"path":
                overrides.path = value
            elif key == b"size":
                overrides.size = _decimal(value, name)


def _check_global(content: bytes, name: str) -> None:
    """Accept remarks for the whole archive, such as the commit that `git archive` writes."""
    for key, _ in _pax_records(content, name):
        if key in {b"path", b"size", b"linkpath"} or key.startswith(b"GNU.sparse."):
            rule = "a pax header may not give one name or size to all entries"
            raise BundleRefused("damaged", name, rule)


def _pax_records(content: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records `<length> <key>=<value>\\n` of POSIX.1-2001's extended header."""
    position = 0
    while position < len(content):
        length_text, space, _ = content[position : position + 8].partition(b" ")
        length = _decimal(length_text, name)
        record = content[position + len(length_text) + 1 : position + length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not (space and equals and record.endswith(b"\n")) or position + length > len(content):
            raise _damaged_pax(name)
        yield key, value
        position += length


def _decimal(text: bytes, name: str) -> int:
    if not text.isdigit() or len(text) > 20:
        raise _damaged_pax(name)
    return int(text)


def _damaged_pax(name: str) -> BundleRefused:
    return BundleRefused("damaged", name, "one of its pax headers is damaged")


def _check_only_padding(source: _Source, name: str) -> None:
    while piece := source.read(CHUNK_BYTES):
        if piece.count(0) != len(piece):
            raise BundleRefused("trailing_data", name, "there is more after the end of the tar")
