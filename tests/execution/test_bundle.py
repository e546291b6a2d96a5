"""What is accepted, how it comes out, and the rules that every way in shares."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import unicodedata

import pytest

from backpath.execution.bundle import (
    BundleFile,
    BundleLimits,
    BundleNotice,
    BundleRefused,
    bundle_from_files,
    is_archive_name,
    list_tar_files,
    read_bundle,
    read_tar_file,
)
from backpath.execution.bundle_rules import MB, printable, size_words, split_path
from tests.execution.archives import (
    contents,
    make_member,
    make_tar,
    make_tar_gz,
    make_zip,
    read,
    refusal,
)

PROJECT = {
    "Procfile": b"web: python main.py\n",
    "main.py": b"print('hi')\n",
    "articles/__init__.py": b"",
    "articles/store.py": b"rows = []\n",
}


def make_files(files: dict[str, bytes]) -> list[tuple[str, io.BytesIO]]:
    return [(path, io.BytesIO(content)) for path, content in files.items()]


# --- what comes out


def test_every_way_in_gives_the_same_bundle() -> None:
    members = [make_member(path, content) for path, content in reversed(PROJECT.items())]
    bundles = [
        read(make_zip(PROJECT), "project.zip"),
        read(make_tar(*members), "project.tar"),
        read(make_tar_gz(*members), "Project.TAR.GZ"),
        read(make_tar_gz(*members), "project.tgz"),
        bundle_from_files(make_files(PROJECT)),
    ]
    assert len({bundle.content_hash for bundle in bundles}) == 1
    assert all(contents(bundle) == PROJECT for bundle in bundles)
    assert bundles[0].files == [
        BundleFile("Procfile", 20),
        BundleFile("articles/__init__.py", 0),
        BundleFile("articles/store.py", 10),
        BundleFile("main.py", 12),
    ]
    assert bundles[0].notices == []


def test_the_tar_is_clean_and_its_hash_is_of_its_bytes() -> None:
    bundle = read(
        make_tar_gz(
            make_member("run.sh", b"#!/bin/sh\n", mode=0o6775, uid=501, uname="anna", mtime=1e9),
            make_member("app.py", b"x = 1\n", mode=0o600),
        ),
        "project.tar.gz",
    )
    assert bundle.content_hash == hashlib.sha256(bundle.tar).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(bundle.tar), mode="r:") as archive:
        members = archive.getmembers()
    assert [(member.name, member.mode) for member in members] == [
        ("app.py", 0o644),
        ("run.sh", 0o755),
    ]
    for member in members:
        owner = (member.uid, member.gid, member.uname, member.gname, member.mtime)
        assert owner == (0, 0, "", "", 0)
    assert [file.is_executable for file in bundle.files] == [False, True]


def test_reading_the_clean_tar_again_changes_nothing() -> None:
    long_name = "a" * 90 + "/" + "b" * 90 + "/ünï.py"
    bundle = read(make_zip({long_name: b"1", "outer.py": b"2", "data/": b""}), "project.zip")
    again = read(bundle.tar, "again.tar")
    assert (again.tar, again.files, again.notices) == (bundle.tar, bundle.files, [])


def test_empty_folders_stay_and_others_follow_from_their_files() -> None:
    bundle = read(make_zip({"data/": b"", "app/": b"", "app/main.py": b"1"}), "project.zip")
    assert contents(bundle) == {"app/main.py": b"1", "data/": b""}
    assert [file.path for file in bundle.files] == ["app/main.py"]


def test_names_come_out_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "café.py")
    bundle = read(make_zip({decomposed: b"1", "main.py": b"2"}), "project.zip")
    assert [file.path for file in bundle.files] == ["café.py", "main.py"]


def test_dots_and_doubled_slashes_in_paths_fall_away() -> None:
    members = [make_member("./", type=tarfile.DIRTYPE), make_member("./app//main.py", b"1")]
    assert contents(read(make_tar(*members, make_member("./a", b"2")), "project.tar")) == {
        "a": b"2",
        "app/main.py": b"1",
    }


# --- left out and unwrapped


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("__pycache__/main.cpython-313.pyc", "__pycache__"),
        ("app/__pycache__/x.pyc", "app/__pycache__"),
        (".git/config", ".git"),
        (".venv/lib/site.py", ".venv"),
        ("web/node_modules/a/b.js", "web/node_modules"),
        ("__MACOSX/._main.py", "__MACOSX"),
        ("app/.DS_Store", "app/.DS_Store"),
        ("app/old.pyc", "app/old.pyc"),
        ("._main.py", "._main.py"),
    ],
)
def test_what_tools_make_is_left_out_and_listed(path: str, named: str) -> None:
    bundle = read(make_zip({"main.py": b"1", path: b"junk"}), "project.zip")
    assert contents(bundle) == {"main.py": b"1"}
    assert bundle.notices == [BundleNotice("left_out", named, 1)]


@pytest.mark.parametrize("path", [".gitignore", ".github/workflows/ci.yml", "venvs.py", "a.pyc/b"])
def test_what_only_looks_like_it_is_kept(path: str) -> None:
    assert path in contents(read(make_zip({path: b"1", "main.py": b"2"}), "project.zip"))


def test_links_inside_a_left_out_folder_are_left_out_too() -> None:
    bundle = read(
        make_tar_gz(
            make_member("main.py", b"1"),
            make_member(".venv/bin/python", type=tarfile.SYMTYPE, linkname="/usr/bin/python3"),
        ),
        "project.tar.gz",
    )
    assert contents(bundle) == {"main.py": b"1"}


def test_what_is_left_out_still_counts_as_looked_at() -> None:
    files = {f"node_modules/{number}.js": b"" for number in range(60)} | {"main.py": b"1"}
    refused = refusal(make_zip(files), "project.zip", BundleLimits(entries=50))
    assert refused.code == "too_many_entries"
    members = [make_member(path, content) for path, content in files.items()]
    refused = refusal(make_tar(*members), "project.tar", BundleLimits(entries=50))
    assert str(refused) == (
        "project.tar: at most 50 entries are looked at; "
        "most of it is node_modules, which can be left out"
    )


def test_many_kinds_of_leftovers_are_listed_in_short() -> None:
    files = {f"p{number}/.DS_Store": b"" for number in range(30)} | {"main.py": b"1"}
    notices = read(make_zip(files), "project.zip").notices
    assert len(notices) == 21
    assert notices[-1] == BundleNotice("left_out", "…", 10)


@pytest.mark.parametrize(
    ("paths", "kept", "wrapper"),
    [
        (["articles/main.py", "articles/Procfile"], ["Procfile", "main.py"], "articles"),
        (["a/b/main.py", "a/b/app/x.py"], ["app/x.py", "main.py"], "a/b"),
        (["articles/main.py", "__MACOSX/articles/._main.py"], ["main.py"], "articles"),
        (["articles/main.py", "README.md"], ["README.md", "articles/main.py"], None),
        (
            ["articles/__init__.py", "articles/x.py"],
            ["articles/__init__.py", "articles/x.py"],
            None,
        ),
        (["top/pkg/__init__.py", "top/pkg/x.py"], ["pkg/__init__.py", "pkg/x.py"], "top"),
        ([".github/workflows/ci.yml"], [".github/workflows/ci.yml"], None),
        (["tests/test_x.py"], ["tests/test_x.py"], None),
        (["articles/main.py", "articles/data/"], ["data/", "main.py"], "articles"),
    ],
)
def test_a_single_outer_folder_is_taken_off(
    paths: list[str], kept: list[str], wrapper: str | None
) -> None:
    bundle = read(make_zip(dict.fromkeys(paths, b"")), "project.zip")
    assert sorted(contents(bundle)) == kept
    unwrapped = [notice.path for notice in bundle.notices if notice.code == "unwrapped"]
    assert unwrapped == ([wrapper] if wrapper else [])


# --- names


@pytest.mark.parametrize(
    ("path", "code", "shown"),
    [
        ("/etc/passwd", "path_absolute", "/etc/passwd"),
        ("../evil.py", "path_parent", "../evil.py"),
        ("a/../../evil.py", "path_parent", "a/../../evil.py"),
        (".venv/../evil.py", "path_parent", ".venv/../evil.py"),
        ("C:/evil.py", "path_drive", "C:/evil.py"),
        ("c:evil.py", "path_drive", "c:evil.py"),
        ("app/C:", "path_drive", "app/C:"),
        ("\N{KELVIN SIGN}:/evil.py", "path_drive", "\N{KELVIN SIGN}:/evil.py"),
        ("a\\b.py", "path_backslash", "a\\\\b.py"),
        ("a\0b.py", "path_nul", "a\\x00b.py"),
        ("a\nb.py", "path_control", "a\\x0ab.py"),
        ("a\x1b[31m.py", "path_control", "a\\x1b[31m.py"),
        ("a\x85.py", "path_control", "a\\x85.py"),
        ("\u202egnp.py", "path_bidi", "\\u202egnp.py"),
        ("a\u2066b", "path_bidi", "a\\u2066b"),
        ("a\u200fb", "path_bidi", "a\\u200fb"),
        ("a\u200bb", "path_invisible", "a\\u200bb"),
        ("a\U000e0041b", "path_invisible", "a\\U000e0041b"),
        ("a\u2028b", "path_invisible", "a\\u2028b"),
        ("a\udcffb", "path_encoding", "a\\xffb"),
        ("a /b.py", "path_space", "a /b.py"),
        (" b.py", "path_space", " b.py"),
        (".", "path_empty", "."),
        ("/".join("a" * 21), "path_too_deep", "/".join("a" * 21)),
    ],
)
def test_a_bad_path_is_refused_however_it_comes(path: str, code: str, shown: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        bundle_from_files([(path, io.BytesIO(b"1")), ("main.py", io.BytesIO(b"2"))])
    assert (caught.value.code, caught.value.path) == (code, shown)
    assert str(caught.value) == f"{shown}: {caught.value.rule}"


def test_depth_and_length_are_allowed_up_to_their_limits() -> None:
    deep = "/".join("abcdefghijklmnopqrst")
    long = "/".join(["é" * 100, "b" * 255, "c" * 55])
    assert (len(deep.split("/")), len(long.encode())) == (20, 512)
    bundle = bundle_from_files(make_files({deep: b"", long: b""}))
    assert [file.path for file in bundle.files] == sorted([deep, long])
    # The last one has 255 bytes as it comes and twice as many in the composed form that is kept.
    for path in (long + "d", "e" * 256, "\N{DEVANAGARI LETTER QA}" * 85):
        with pytest.raises(BundleRefused, match=r"at most (512|255) bytes") as caught:
            bundle_from_files(make_files({path: b"", "x": b""}))
        assert caught.value.code == "path_too_long"


def test_long_paths_are_shown_by_both_their_ends() -> None:
    shown = printable("a" * 500 + "/main.py")
    assert shown.startswith("aaaa")
    assert shown.endswith("/main.py")
    assert len(shown) == 201
    assert printable("a" * 200) == "a" * 200


@pytest.mark.parametrize(
    ("first", "second", "code", "words"),
    [
        ("app.py", "App.py", "collision_case", "differs from app.py in upper and lower case"),
        ("app/a.py", "APP/b.py", "collision_case", "differs from app in upper and lower case"),
        ("straße.py", "STRASSE.py", "collision_case", "upper and lower case"),
        ("caf\u00e9.py", "cafe\u0301.py", "collision_unicode", "how its accents are stored"),
        ("caf\u00e9/a.py", "cafe\u0301/b.py", "collision_unicode", "how its accents are stored"),
        ("app", "app/a.py", "file_and_folder", "app is a file and a folder at once"),
        ("app/a.py", "app", "file_and_folder", "app is a file and a folder at once"),
        ("app.py", "./app.py", "duplicate", "in the archive twice"),
    ],
)
def test_names_that_some_computer_takes_for_one_are_refused(
    first: str, second: str, code: str, words: str
) -> None:
    for data, filename in (
        (make_zip({first: b"1", second: b"2"}), "project.zip"),
        (make_tar(make_member(first, b"1"), make_member(second, b"2")), "project.tar"),
    ):
        refused = refusal(data, filename)
        assert refused.code == code
        assert refused.path == printable(second.removeprefix("./"))
        assert words in refused.rule


def test_split_path_returns_the_names() -> None:
    assert split_path("./a//b.py") == ("a", "b.py")
    assert split_path("./") == ()


# --- limits


def test_an_upload_is_cut_off_at_its_limit() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            self.taken += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(BundleRefused) as caught:
        read_bundle(endless, "project.zip", BundleLimits(packed_bytes=MB))
    assert str(caught.value) == "project.zip: an upload may have at most 1 MB"
    assert endless.taken <= MB + 64 * 1024
    with pytest.raises(BundleRefused) as caught:
        bundle_from_files([("big.bin", Endless())], BundleLimits(packed_bytes=MB))
    assert (caught.value.code, caught.value.path) == ("upload_too_large", "upload")


def test_the_number_of_files_is_limited() -> None:
    files = {f"{number}.py": b"" for number in range(6)}
    assert len(bundle_from_files(make_files(files), BundleLimits(files=6)).files) == 6
    for filename, data in (
        ("project.zip", make_zip(files)),
        ("project.tar", make_tar(*(make_member(path) for path in files))),
    ):
        refused = refusal(data, filename, BundleLimits(files=5))
        assert str(refused) == f"{filename}: a submission may have at most 5 files"


def test_a_single_file_is_limited() -> None:
    limits = BundleLimits(file_bytes=1000)
    files = {"small.py": b"x" * 1000, "data/large.bin": b"x" * 1001}
    for filename, data in (
        ("project.zip", make_zip(files)),
        ("project.tgz", make_tar_gz(*(make_member(*pair) for pair in files.items()))),
    ):
        refused = refusal(data, filename, limits)
        assert str(refused) == "data/large.bin: a file may have at most 1,000 bytes"


def test_the_unpacked_total_is_limited() -> None:
    files = {f"{number}.bin": bytes([number]) * 4000 for number in range(10)}
    limits = BundleLimits(unpacked_bytes=30_000)
    for filename, data in (
        ("project.zip", make_zip(files)),
        ("project.tgz", make_tar_gz(*(make_member(*pair) for pair in files.items()))),
    ):
        refused = refusal(data, filename, limits)
        assert str(refused) == f"{filename}: it unpacks to more than 30,000 bytes"


def test_empty_folders_are_limited() -> None:
    files = {f"d{number}/": b"" for number in range(7)} | {"main.py": b"1"}
    refused = refusal(make_zip(files), "project.zip", BundleLimits(files=6))
    assert str(refused) == "project.zip: a submission may have at most 6 empty folders"


def test_each_limit_may_be_reached() -> None:
    files = {"a.bin": bytes(range(200)), "b.bin": bytes(300), "c/": b""}
    data = make_zip(files)
    exact = BundleLimits(
        packed_bytes=len(data), unpacked_bytes=500, file_bytes=300, files=2, entries=3
    )
    assert len(read(data, "project.zip", exact).files) == 2
    two_folders = make_zip({"a/": b"", "b/": b"", "c.py": b""})
    assert len(read(two_folders, "project.zip", BundleLimits(files=2)).files) == 1
    tar = make_tar(*(make_member(path) for path in ("a", "b", "c")))
    assert len(read(tar, "project.tar", BundleLimits(entries=3)).files) == 3


def test_advice_is_given_only_about_what_is_most_of_it() -> None:
    files = {"a.py": b"", "b.py": b"", ".git/x": b"", ".git/y": b"", "c.py": b"1"}
    members = [make_member(path, content) for path, content in files.items()]
    refused = refusal(make_tar(*members), "project.tar", BundleLimits(entries=4))
    assert refused.rule == "at most 4 entries are looked at"


@pytest.mark.parametrize(
    ("size", "words"),
    [(900, "900 bytes"), (20 * MB, "20 MB"), (MB + MB // 2, "1.5 MB"), (1_000, "1,000 bytes")],
)
def test_sizes_are_said_in_words(size: int, words: str) -> None:
    assert size_words(size) == words


# --- nothing to keep, and not an archive


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "empty"),
        ({"a/": b"", "a/b/": b""}, "only_folders"),
        ({"a/": b"", ".git/config": b"x", "x.pyc": b"y"}, "only_left_out"),
    ],
)
def test_an_archive_without_work_is_refused(files: dict[str, bytes], code: str) -> None:
    assert refusal(make_zip(files), "project.zip").code == code
    members = [
        make_member(path.rstrip("/"), content, type=b"5" if path.endswith("/") else b"0")
        for path, content in files.items()
    ]
    assert refusal(make_tar(*members), "project.tar").code == code


def test_no_files_at_all_are_refused() -> None:
    with pytest.raises(BundleRefused, match="there is no file in it"):
        bundle_from_files([])


@pytest.mark.parametrize(
    ("data", "filename", "message"),
    [
        (b"", "project.zip", "the file is empty"),
        (b"hello", "project.zip", "it is called a zip but does not begin like one"),
        (b"\x1f\x8bhello", "project.zip", "it is called a zip but is a gzip file"),
        (make_zip(PROJECT), "project.tar.gz", "it is called a gzip file but is a zip"),
        (make_tar(make_member("a", b"1")), "a.tgz", "it is called a gzip file but is a tar"),
        (make_zip(PROJECT), "project.tar", "it is called a tar but is a zip"),
        (b"Rar!\x1a\x07\x01\x00", "project.zip", "it is called a zip but is a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a.zip", "it is called a zip but is a 7-Zip archive"),
        (make_zip(PROJECT), "project.rar", "archives are handed in as .zip, .tar.gz, .tgz or .tar"),
    ],
)
def test_the_ending_must_agree_with_the_content(data: bytes, filename: str, message: str) -> None:
    assert str(refusal(data, filename)) == f"{filename}: {message}"


def test_the_name_of_the_upload_is_escaped_too() -> None:
    assert refusal(b"", "a\u202ezip.exe\n.zip").path == "a\\u202ezip.exe\\x0a.zip"


@pytest.mark.parametrize(
    ("filename", "expected"),
    [("a.zip", True), ("A.TAR.GZ", True), ("a.tgz", True), ("main.py", False), ("zip", False)],
)
def test_archives_are_told_by_their_ending(filename: str, expected: bool) -> None:
    assert is_archive_name(filename) is expected


# --- showing the files of a submission


def test_files_of_a_tar_can_be_listed_and_read() -> None:
    bundle = read(
        make_zip({**PROJECT, "run.sh": b"#!", "d/": b""}, modes={"run.sh": stat.S_IFREG | 0o755}),
        "project.zip",
    )
    assert list_tar_files(bundle.tar) == bundle.files
    assert read_tar_file(bundle.tar, "main.py", cap=5) == b"print"
    assert read_tar_file(bundle.tar, "articles/store.py", cap=1000) == b"rows = []\n"
    for missing in ("nothing.py", "d", "../main.py"):
        with pytest.raises(FileNotFoundError):
            read_tar_file(bundle.tar, missing, cap=10)
