"""Archives in, one clean tar out; nothing is ever unpacked onto the disk.

What comes in is hostile until proved otherwise. It is read as a stream, measured by the
bytes that really come out of it, and either refused with the file and the rule, or
written again as a tar that says the same in one way only: regular files and empty
folders, sorted, without owners, times or links.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from backpath.execution.bundle_collector import Bundle, BundleFile, BundleNotice, Collector
from backpath.execution.bundle_rules import (
    CHUNK_BYTES,
    MB,
    BundleLimits,
    BundleRefused,
    Entry,
    size_words,
)
from backpath.execution.bundle_tar import GzipSource, PlainSource, read_tar
from backpath.execution.bundle_zip import read_zip

__all__ = [
    "Bundle",
    "BundleFile",
    "BundleLimits",
    "BundleNotice",
    "BundleRefused",
    "bundle_from_files",
    "is_archive_name",
    "list_tar_files",
    "read_bundle",
    "read_tar_file",
]

_FORMATS: Final = {
    ".zip": "zip",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar": "tar",
}
_FORMAT_NAMES: Final = {"zip": "a zip", "gzip": "a gzip file", "tar": "a tar"}
_MAGICS: Final = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"%PDF": "a PDF document",
}
_SPOOL_BYTES: Final = 8 * MB
_TAR_MAGIC: Final = slice(257, 262)


def is_archive_name(filename: str) -> bool:
    """Whether a file of this name is read as an archive rather than handed in as it is."""
    return _format_of(filename) is not None


def read_bundle(source: BinaryIO, filename: str, limits: BundleLimits | None = None) -> Bundle:
    """Read a zip, tar or gzipped tar from a binary stream.

    `filename` is what the learner called it; its ending must agree with the content.
    Raises `BundleRefused`.
    """
    limits = limits or BundleLimits()
    data = _read_packed(source, filename, limits)
    with _spool() as spool:
        collector = Collector(filename, limits, spool, packed=len(data))
        for entry in _entries(data, filename, limits):
            collector.add(entry)
        return collector.bundle()


def bundle_from_files(
    files: Iterable[tuple[str, BinaryIO]], limits: BundleLimits | None = None
) -> Bundle:
    """Make a bundle of loose files, each with its path as the browser gave it.

    Streams are read once, in order, and not closed. Raises `BundleRefused`.
    """
    limits = limits or BundleLimits()
    with _spool() as spool:
        collector = Collector("upload", limits, spool, packed=None)
        for path, stream in files:
            collector.add(Entry(path, "file", False, _stream_chunks(stream)))
        return collector.bundle()


def list_tar_files(tar: bytes) -> list[BundleFile]:
    """List the files of a bundle's tar in its order."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        return [
            BundleFile(member.name, member.size, bool(member.mode & 0o100))
            for member in archive
            if member.isreg()
        ]


def read_tar_file(tar: bytes, path: str, cap: int) -> bytes:
    """Return at most `cap` bytes from the start of one file of a bundle's tar.

    Raises `FileNotFoundError` when the bundle has no such file.
    """
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for member in archive:
            if member.name == path and (content := archive.extractfile(member)):
                return content.read(cap)
    raise FileNotFoundError(path)


def _spool() -> tempfile.SpooledTemporaryFile[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)


def _read_packed(source: BinaryIO, filename: str, limits: BundleLimits) -> bytes:
    data = bytearray()
    for piece in _stream_chunks(source):
        data += piece
        if len(data) > limits.packed_bytes:
            rule = f"an upload may have at most {size_words(limits.packed_bytes)}"
            raise BundleRefused("upload_too_large", filename, rule)
    return bytes(data)


def _stream_chunks(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(CHUNK_BYTES):
        yield piece


def _format_of(filename: str) -> str | None:
    lowered = filename.lower()
    return next((kind for end, kind in _FORMATS.items() if lowered.endswith(end)), None)


def _entries(data: bytes, filename: str, limits: BundleLimits) -> Iterator[Entry]:
    """Choose the reader by name, and insist that the content is of that format."""
    wanted = _format_of(filename)
    if not data:
        raise BundleRefused("empty", filename, "the file is empty")
    found = next((kind for magic, kind in _MAGICS.items() if data.startswith(magic)), None)
    if found is None and data[_TAR_MAGIC] == b"ustar":
        found = "tar"
    if wanted is None:
        rule = "archives are handed in as .zip, .tar.gz, .tgz or .tar"
        raise BundleRefused("unknown_format", filename, rule)
    if found is None and wanted != "tar":
        rule = f"it is called {_FORMAT_NAMES[wanted]} but does not begin like one"
        raise BundleRefused("wrong_format", filename, rule)
    if found not in {None, wanted}:
        rule = f"it is called {_FORMAT_NAMES[wanted]} but is {_FORMAT_NAMES.get(found, found)}"
        raise BundleRefused("wrong_format", filename, rule)
    if wanted == "zip":
        return read_zip(data, filename, limits)
    gzipped = wanted == "gzip"
    source = GzipSource(data, filename, limits) if gzipped else PlainSource(data)
    return read_tar(source, filename, limits)
