"""Builds archives for tests, honest and hostile, without touching the disk."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile

from backpath.execution.bundle import Bundle, BundleLimits, BundleRefused, read_bundle


def make_zip(
    files: dict[str, bytes], *, modes: dict[str, int] | None = None, level: int | None = None
) -> bytes:
    """A deflated zip; `modes` are Unix modes with the file type, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def make_member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """One member of a tar; `fields` are attributes of `TarInfo` such as `type` or `linkname`."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, content


def make_tar(*members: tuple[tarfile.TarInfo, bytes], layout: int = tarfile.PAX_FORMAT) -> bytes:
    """A plain tar of the members in order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=layout) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def make_tar_gz(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A gzipped tar of the members in order."""
    return gzip.compress(make_tar(*members), mtime=0)


def read(data: bytes, filename: str, limits: BundleLimits | None = None) -> Bundle:
    """Read an archive from memory."""
    return read_bundle(io.BytesIO(data), filename, limits)


def refusal(data: bytes, filename: str, limits: BundleLimits | None = None) -> BundleRefused:
    """Read an archive that must be refused, and return the refusal."""
    try:
        bundle = read(data, filename, limits)
    except BundleRefused as refused:
        return refused
    raise AssertionError(f"{filename} was accepted: {bundle!r}")


def contents(bundle: Bundle) -> dict[str, bytes]:
    """What the clean tar of a bundle holds: files by path; empty folders end in a slash."""
    held = {}
    with tarfile.open(fileobj=io.BytesIO(bundle.tar), mode="r:") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None:
                held[member.name + "/"] = b""
            else:
                held[member.name] = stream.read()
    return held
