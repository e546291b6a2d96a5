"""Reads the entries of a zip from memory, believing nothing its headers promise.

The format is APPNOTE.TXT of PKWARE. The directory at the end says what there is; each
entry's own header must tell the same story, no two entries may share bytes, and sizes
and checksums are those of the bytes that come out.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backpath.execution.bundle_rules import (
    CHUNK_BYTES,
    BundleLimits,
    BundleRefused,
    Entry,
    check_ratio,
)

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END_MAGIC: Final = b"PK\x05\x06"
_END64_MAGIC: Final = b"PK\x06\x06"
_LOCATOR64_MAGIC: Final = b"PK\x06\x07"
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_IN_EXTRA: Final = 0xFFFFFFFF
_ZIP64_EXTRA: Final = 0x0001
_ENCRYPTED_FLAGS: Final = 0x1 | 0x40 | 0x2000
_SIZES_FOLLOW: Final = 0x8
_STORED, _DEFLATED, _AES = 0, 8, 99
_DOS_FOLDER: Final = 0x10

_KINDS: Final = {
    0: "file",
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True)
class _Directory:
    count: int
    offset: int
    size: int


@dataclass(frozen=True)
class _Central:
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    offset: int
    mode: int
    is_dos_folder: bool


def read_zip(data: bytes, name: str, limits: BundleLimits) -> Iterator[Entry]:
    """Yield the entries of the zip in the order of its directory.

    `name` stands for the archive itself in refusals. Raises `BundleRefused`.
    """
    directory = _find_directory(data, name)
    if directory.count > limits.entries:
        rule = f"it has {directory.count:,} entries, at most {limits.entries:,} are looked at"
        raise BundleRefused("too_many_entries", name, rule)
    centrals = list(_read_directory(data, name, directory))
    starts = _content_starts(data, centrals, directory.offset)
    for central, start in zip(centrals, starts, strict=True):
        kind = _kind(central)
        if kind == "folder" and central.unpacked:
            rule = "a folder may not have content of its own"
            raise BundleRefused("folder_with_data", central.raw_name, rule)
        yield Entry(
            path=_decoded(central.raw_name),
            kind=kind,
            is_executable=bool(central.mode & stat.S_IXUSR),
            chunks=_content(data, central, start, limits),
        )


def _find_directory(data: bytes, name: str) -> _Directory:
    position = data.rfind(_END_MAGIC, max(0, len(data) - _END.size - 0xFFFF))
    if position < 0 or position + _END.size > len(data):
        raise BundleRefused("truncated", name, "the end of the zip is missing")
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(data, position)
    if position + _END.size + comment < len(data):
        raise BundleRefused("trailing_data", name, "there is more after the end of the zip")
    if position + _END.size + comment > len(data):
        raise BundleRefused("truncated", name, "the end of the zip is missing")
    if disk or first_disk or here != count:
        raise BundleRefused("split_archive", name, "it is one part of a split zip")
    end = position
    if 0xFFFF in {count, here} or _IN_EXTRA in {size, offset}:
        count, size, offset, end = _read_end64(data, name, position)
    if offset + size != end:
        raise BundleRefused("damaged", name, "its directory is not where the zip says")
    return _Directory(count, offset, size)


def _read_end64(data: bytes, name: str, end: int) -> tuple[int, int, int, int]:
    damaged = BundleRefused("damaged", name, "the 64-bit end of the zip is damaged")
    if end < _LOCATOR64.size + _END64.size:
        raise damaged
    magic, _, position, _ = _LOCATOR64.unpack_from(data, end - _LOCATOR64.size)
    if magic != _LOCATOR64_MAGIC or position + _END64.size > end - _LOCATOR64.size:
        raise damaged
    fields = _END64.unpack_from(data, position)
    if fields[0] != _END64_MAGIC:
        raise damaged
    _, count, size, offset = fields[-4:]
    return count, size, offset, position


def _read_directory(data: bytes, name: str, directory: _Directory) -> Iterator[_Central]:
    position, end = directory.offset, directory.offset + directory.size
    for _ in range(directory.count):
        if position + _CENTRAL.size > end:
            raise BundleRefused("damaged", name, "its directory ends too early")
        fields = _CENTRAL.unpack_from(data, position)
        if fields[0] != _CENTRAL_MAGIC:
            raise BundleRefused("damaged", name, "its directory is damaged")
        flags, method, crc = fields[5], fields[6], fields[9]
        name_size, extra_size, comment_size, disk = fields[12:16]
        name_start = position + _CENTRAL.size
        position = name_start + name_size + extra_size + comment_size
        if position > end:
            raise BundleRefused("damaged", name, "its directory ends too early")
        raw_name = data[name_start : name_start + name_size]
        extra = data[name_start + name_size : name_start + name_size + extra_size]
        if disk:
            raise BundleRefused("split_archive", raw_name, "it is in another part of a split zip")
        packed, unpacked, offset = fields[10], fields[11], fields[18]
        if _IN_EXTRA in {packed, unpacked, offset}:
            unpacked, packed, offset = _from_zip64(extra, (unpacked, packed, offset), raw_name)
        yield _Central(
            raw_name,
            flags,
            method,
            crc,
            packed,
            unpacked,
            offset,
            fields[17] >> 16,
            bool(fields[17] & _DOS_FOLDER),
        )
    if position != end:
        raise BundleRefused("damaged", name, "its directory has more in it than it says")


def _from_zip64(extra: bytes, values: tuple[int, ...], path: bytes) -> tuple[int, ...]:
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<2H", extra, position)
        if tag == _ZIP64_EXTRA:
            wide = iter(
                struct.unpack_from(
                    f"<{min(size, len(extra) - position - 4) // 8}Q", extra, position + 4
                )
            )
            resolved = tuple(next(wide, -1) if value == _IN_EXTRA else value for value in values)
            if -1 not in resolved:
                return resolved
        position += 4 + size
    raise BundleRefused("damaged", path, "its 64-bit sizes are missing")


def _content_starts(data: bytes, centrals: list[_Central], limit: int) -> list[int]:
    """Check every local header against the directory; return where each content begins."""
    starts = [_local_content_start(data, central, limit) for central in centrals]
    previous_end = 0
    for central, start in sorted(
        zip(centrals, starts, strict=True), key=lambda pair: pair[0].offset
    ):
        if central.offset < previous_end:
            rule = "it shares bytes with another entry of the zip"
            raise BundleRefused("overlap", central.raw_name, rule)
        previous_end = start + central.packed
    return starts


def _local_content_start(data: bytes, central: _Central, limit: int) -> int:
    path = central.raw_name
    if central.offset + _LOCAL.size > limit:
        raise BundleRefused("damaged", path, "its header lies outside the zip")
    fields = _LOCAL.unpack_from(data, central.offset)
    if fields[0] != _LOCAL_MAGIC:
        raise BundleRefused("damaged", path, "its header is not where the zip says")
    flags, method, crc, packed, unpacked = fields[2], fields[3], fields[6], fields[7], fields[8]
    name_start = central.offset + _LOCAL.size
    extra_start = name_start + fields[9]
    start: int = extra_start + fields[10]
    if start + central.packed > limit:
        raise BundleRefused("damaged", path, "its content lies outside the zip")
    sizes = (crc, packed, unpacked)
    if not (flags | central.flags) & _SIZES_FOLLOW:
        if _IN_EXTRA in {packed, unpacked}:
            sizes = (crc, *reversed(_from_zip64(data[extra_start:start], (unpacked, packed), path)))
        if sizes != (central.crc, central.packed, central.unpacked):
            raise _told_twice(path)
    if data[name_start:extra_start] != path or method != central.method:
        raise _told_twice(path)
    return start


def _told_twice(path: bytes) -> BundleRefused:
    rule = "its own header and the zip's directory disagree about it"
    return BundleRefused("header_mismatch", path, rule)


def _decoded(raw_name: bytes) -> str:
    try:
        return raw_name.decode("utf-8")
    except UnicodeDecodeError:
        raise BundleRefused("path_encoding", raw_name, "a name must be valid UTF-8") from None


def _kind(central: _Central) -> str:
    kind = _KINDS.get(stat.S_IFMT(central.mode), "other")
    if kind == "file" and (central.raw_name.endswith(b"/") or central.is_dos_folder):
        return "folder"
    return kind


def _content(data: bytes, central: _Central, start: int, limits: BundleLimits) -> Iterator[bytes]:
    path = central.raw_name
    if central.flags & _ENCRYPTED_FLAGS or central.method == _AES:
        raise BundleRefused("encrypted", path, "it is encrypted; hand in a zip without a password")
    if central.method not in {_STORED, _DEFLATED}:
        rule = f"it uses compression method {central.method}; only deflate and none are read"
        raise BundleRefused("unsupported_compression", path, rule)
    packed = memoryview(data)[start : start + central.packed]
    pieces = _inflated(packed, path) if central.method == _DEFLATED else _stored(packed)
    crc = size = 0
    for consumed, piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        check_ratio(size, consumed, limits, path)
        if size > central.unpacked:
            raise BundleRefused("damaged", path, "it unpacks to more than the zip says")
        yield piece
    if size != central.unpacked or crc != central.crc:
        raise BundleRefused("damaged", path, "its content does not match its checksum")


def _stored(packed: memoryview) -> Iterator[tuple[int, bytes]]:
    for position in range(0, len(packed), CHUNK_BYTES):
        piece = bytes(packed[position : position + CHUNK_BYTES])
        yield position + len(piece), piece


def _inflated(packed: memoryview, path: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (packed bytes used so far, unpacked piece), never more than a chunk at a time."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting = b""
    position = 0
    try:
        while not inflate.eof:
            if not waiting:
                waiting = bytes(packed[position : position + CHUNK_BYTES])
                position += len(waiting)
            piece = inflate.decompress(waiting, CHUNK_BYTES)
            exhausted = not piece and not waiting and position >= len(packed)
            waiting = inflate.unconsumed_tail
            if exhausted and not inflate.eof:
                raise BundleRefused("damaged", path, "its compressed content ends too early")
            yield position - len(waiting), piece
    except zlib.error:
        raise BundleRefused("damaged", path, "its compressed content is damaged") from None
    if inflate.unused_data or position < len(packed):
        raise BundleRefused("damaged", path, "there is more after its compressed content")
