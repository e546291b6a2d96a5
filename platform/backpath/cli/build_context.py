"""What goes into a build: its files as a tar, and the hash that names what comes out."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path


def source_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of a folder that belong in an image, as (relative name, path), sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(folder).as_posix(), path


def digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """Identity of named contents: twelve hexadecimal digits."""
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()[:12]


def folder_digest(folder: Path) -> str:
    """Identity of all source files of a folder."""
    return digest((name, path.read_bytes()) for name, path in source_files(folder))


def pack_context(members: dict[str, Path]) -> io.BytesIO:
    """A build context as a tar: the same bytes in, the same tar out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size = members[name].stat().st_size
            entry.mode = 0o644
            with members[name].open("rb") as content:
                tar.addfile(entry, content)
    packed.seek(0)
    return packed
