"""The archives of an assignment: the same bytes everywhere, and only what belongs in them."""

import hashlib
import io
import os
import tarfile
import zipfile

import pytest

from backpath.catalog.packages import PackageRefused, content_hash, grader_tar, starter_zip
from tests.catalog.factories import ContentFolder


def names_of(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def test_grader_holds_the_suite_and_the_definition(content: ContentFolder) -> None:
    content.write("graders/small-api/grader/helpers/words.py", "WORDS = []\n")
    content.write("graders/small-api/grader/__pycache__/x.pyc", b"\x00")
    archive = grader_tar(content.graders / "small-api")
    assert names_of(archive) == ["assignment.yaml", "helpers/words.py", "test_all.py"]
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.getmember("test_all.py")
        assert (member.uid, member.gid, member.mtime, member.mode) == (0, 0, 0, 0o644)
        source = tar.extractfile(member)
        assert source is not None
        assert b'@check("read.list")' in source.read()


def test_grader_is_the_same_whenever_and_wherever_it_is_made(
    content: ContentFolder, tmp_path: os.PathLike[str]
) -> None:
    folder = content.graders / "small-api"
    first = grader_tar(folder)
    os.utime(folder / "grader/test_all.py", (1, 1))
    (folder / "grader/test_all.py").chmod(0o600)
    assert grader_tar(folder) == first
    assert content_hash(first) == hashlib.sha256(first).hexdigest()
    content.edit("graders/small-api/assignment.yaml", "points: 20", "points: 19")
    assert grader_tar(folder) != first


def test_grader_does_not_depend_on_solutions_or_starter(content: ContentFolder) -> None:
    folder = content.graders / "small-api"
    first = grader_tar(folder)
    content.write("graders/small-api/reference/flask/app.py", "changed\n")
    content.write("graders/small-api/starter/app.py", "changed\n")
    assert grader_tar(folder) == first


def test_starter_holds_files_tests_and_the_specification(content: ContentFolder) -> None:
    content.write("graders/small-api/starter/run.sh", "#!/bin/sh\n").chmod(0o755)
    archive = starter_zip(content.graders / "small-api")
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.namelist() == [
            "small-api/README.md",
            "small-api/app.py",
            "small-api/run.sh",
            "small-api/tests/test_public.py",
        ]
        readme = found.read("small-api/README.md").decode()
        assert readme.startswith("# Small API\n\nWhat to build.")
        assert "## Rules" in readme
        assert found.getinfo("small-api/run.sh").external_attr >> 16 & 0o777 == 0o755
        assert found.getinfo("small-api/app.py").external_attr >> 16 & 0o777 == 0o644
    assert starter_zip(content.graders / "small-api") == archive


def test_starter_never_holds_the_hidden_suite_or_solutions(content: ContentFolder) -> None:
    with zipfile.ZipFile(io.BytesIO(starter_zip(content.graders / "small-api"))) as found:
        everything = b"".join(found.read(name) for name in found.namelist())
    assert b"backpath_sdk" not in everything
    assert b"reference" not in everything


def test_starter_with_its_own_readme_keeps_it(content: ContentFolder) -> None:
    content.write("graders/small-api/starter/README.md", "Mine.\n")
    with zipfile.ZipFile(io.BytesIO(starter_zip(content.graders / "small-api"))) as found:
        assert found.read("small-api/README.md") == b"Mine.\n"
        assert found.read("small-api/SPEC.md").startswith(b"# Small API")


def test_links_are_refused(content: ContentFolder) -> None:
    (content.graders / "small-api/grader/secret.py").symlink_to("/etc/passwd")
    (content.graders / "small-api/starter/secret.py").symlink_to("/etc/passwd")
    with pytest.raises(PackageRefused, match="symbolic link"):
        grader_tar(content.graders / "small-api")
    with pytest.raises(PackageRefused, match="symbolic link"):
        starter_zip(content.graders / "small-api")


def test_files_that_would_overwrite_each_other_are_refused(content: ContentFolder) -> None:
    content.write("graders/small-api/starter/tests/test_public.py", "x")
    with pytest.raises(PackageRefused, match="same file"):
        starter_zip(content.graders / "small-api")
    content.write("graders/small-api/grader/assignment.yaml", "x")
    with pytest.raises(PackageRefused, match="of its own"):
        grader_tar(content.graders / "small-api")


def test_missing_folder_is_refused(content: ContentFolder) -> None:
    with pytest.raises(PackageRefused, match="grader/ is missing"):
        grader_tar(content.graders / "nothing")
