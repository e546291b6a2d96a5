"""The two archives made from an assignment's folder: for the runner, and for the learner.

Both are pure functions of the files: the same content gives the same bytes on every machine,
so that their hash says which grader a report came from.
"""

import hashlib
import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from backpath.catalog.files import MAX_FOLDER_BYTES, ContentFiles
from backpath.catalog.yaml_lines import read_yaml
from backpath.core.errors import AuthorError

_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class PackageRefused(AuthorError):
    """An assignment's folder holds something that cannot be packed."""

    code = "package-refused"


def grader_tar(assignment_dir: Path) -> bytes:
    """What the runner unpacks: `assignment.yaml` and the files of `grader/`, side by side.

    Plain tar, sorted by name, without times, owners or machine-specific modes. Raises
    PackageRefused when a file is a link, unreadable, or the folder too large.
    """
    files = ContentFiles(assignment_dir.absolute())
    entries = _folder_entries(files, assignment_dir.absolute() / "grader")
    if "assignment.yaml" in entries:
        raise PackageRefused("grader/ must not hold an assignment.yaml of its own.")
    definition = assignment_dir.absolute() / "assignment.yaml"
    entries["assignment.yaml"] = (_read(files, definition), False)
    _refuse_problems(files)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(entries):
            data, is_executable = entries[name]
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o755 if is_executable else 0o644
            tar.addfile(member, io.BytesIO(data))
    return target.getvalue()


def starter_zip(assignment_dir: Path) -> bytes:
    """What the learner downloads: `starter/`, the public tests under `tests/`, a README.

    The README is the specification with the title from `assignment.yaml`; a starter that has
    a README.md of its own keeps it, and the specification becomes SPEC.md. Everything lies in
    one folder named like the assignment. Raises PackageRefused like `grader_tar`.
    """
    directory = assignment_dir.absolute()
    files = ContentFiles(directory)
    entries = _folder_entries(files, directory / "starter")
    for name, entry in _folder_entries(files, directory / "public").items():
        if f"tests/{name}" in entries:
            raise PackageRefused(f"starter/tests/{name} and public/{name} are the same file.")
        entries[f"tests/{name}"] = entry
    spec_name = "SPEC.md" if "README.md" in entries else "README.md"
    entries[spec_name] = (_specification(files, directory), False)
    _refuse_problems(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            data, is_executable = entries[name]
            member = zipfile.ZipInfo(f"{directory.name}/{name}", _ZIP_EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | (0o755 if is_executable else 0o644)) << 16
            archive.writestr(member, data)
    return target.getvalue()


def content_hash(data: bytes) -> str:
    """sha256 in hex: the name of `data` in the content store."""
    return hashlib.sha256(data).hexdigest()


def _specification(files: ContentFiles, directory: Path) -> bytes:
    text = files.read_text(directory / "spec.md") or ""
    definition = files.read_text(directory / "assignment.yaml") or ""
    title = _title(definition) or directory.name
    return f"# {title}\n\n{text.strip()}\n".encode()


def _title(definition: str) -> str:
    data = read_yaml(definition, "assignment.yaml")[0].data
    title = data.get("title") if isinstance(data, dict) else None
    return title if isinstance(title, str) else ""


def _folder_entries(files: ContentFiles, directory: Path) -> dict[str, tuple[bytes, bool]]:
    """Content and executable bit of every file below `directory`, by relative name."""
    if not files.is_folder(directory):
        raise PackageRefused(f"{directory.name}/ is missing.")
    return {
        path.relative_to(directory).as_posix(): (_read(files, path), _is_executable(path))
        for path in files.walk(directory)
    }


def _read(files: ContentFiles, path: Path) -> bytes:
    return files.read_bytes(path, MAX_FOLDER_BYTES) or b""


def _is_executable(path: Path) -> bool:
    return bool(path.lstat().st_mode & stat.S_IXUSR)


def _refuse_problems(files: ContentFiles) -> None:
    if files.problems:
        raise PackageRefused("; ".join(str(problem) for problem in files.problems))
