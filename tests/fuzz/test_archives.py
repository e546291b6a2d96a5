"""Whatever bytes arrive, either a refusal or a bundle comes out, and in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import string
import tarfile
import tracemalloc
import unicodedata

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backpath.execution.bundle import (
    Bundle,
    BundleLimits,
    BundleRefused,
    bundle_from_files,
    list_tar_files,
    read_tar_file,
)
from backpath.execution.bundle_rules import printable
from tests.execution.archives import contents, make_member, make_tar, make_tar_gz, make_zip, read
from tests.fuzz.archive_parts import altered, rearranged, resummed, tars, trees, zips
from tests.fuzz.fuzzing import fuzz, note
from tests.fuzz.strategies import edited

LIMITS = BundleLimits(
    packed_bytes=200_000, unpacked_bytes=300_000, file_bytes=100_000, files=50, entries=200
)
MEMORY_BYTES = 4 * 1024 * 1024
FILENAMES = st.sampled_from(["a.zip", "a.tar.gz", "a.tar"])
SEEDS = {
    "a.zip": make_zip({"app/main.py": b"x = 1\n" * 40, "Procfile": b"web: x\n", "d/": b""}),
    "a.tar": make_tar(
        make_member("app/main.py", b"x = 1\n" * 40),
        make_member("ö" * 120, b"long and foreign"),
        make_member("Procfile", b"web: x\n"),
    ),
}
SEEDS["a.tar.gz"] = gzip.compress(SEEDS["a.tar"], mtime=0)


def outcome(data: bytes, filename: str) -> Bundle | BundleRefused:
    """What reading gives; anything but a bundle or a well-formed refusal fails the test."""
    try:
        result: Bundle | BundleRefused = read(data, filename, LIMITS)
    except BundleRefused as refused:
        result = refused
    if isinstance(result, BundleRefused):
        note(f"archives: {result.code}")
        assert result.code.replace("_", "").isalpha()
        assert result.path.isprintable()
        assert result.rule
        assert str(result).isprintable()
    else:
        note("archives: accepted")
        check_clean(result)
    return result


def check_clean(bundle: Bundle) -> None:
    held = contents(bundle)
    assert [file.path for file in bundle.files] == [path for path in held if path[-1] != "/"]
    assert 0 < len(bundle.files) <= LIMITS.files
    assert all(file.size == len(held[file.path]) <= LIMITS.file_bytes for file in bundle.files)
    assert sum(file.size for file in bundle.files) <= LIMITS.unpacked_bytes
    assert bundle.content_hash == hashlib.sha256(bundle.tar).hexdigest()
    check_names([path.rstrip("/") for path in held])
    check_members(bundle.tar)
    assert list_tar_files(bundle.tar) == bundle.files
    last = bundle.files[-1].path
    assert read_tar_file(bundle.tar, last, LIMITS.file_bytes) == held[last]
    again = read(bundle.tar, "again.tar", LIMITS)
    assert (again.tar, again.files, again.notices) == (bundle.tar, bundle.files, [])


def check_names(paths: list[str]) -> None:
    """Names that every computer keeps apart, can store, and shows as they are."""
    alike = [unicodedata.normalize("NFC", path.casefold()) for path in paths]
    assert len(set(alike)) == len(alike)
    for path in paths:
        names = path.split("/")
        assert path == unicodedata.normalize("NFC", path)
        assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in path)
        assert not {"", ".", ".."} & set(names)
        assert "\\" not in path
        assert len(names) <= LIMITS.depth
        assert len(path.encode()) <= LIMITS.path_bytes
        assert all(len(name.encode()) <= 255 for name in names)
        assert all(name == name.strip() for name in names)
        assert not any(name[1:2] == ":" and name[0] in string.ascii_letters for name in names)


def check_members(tar: bytes) -> None:
    """Files and folders of nobody in particular, and nothing else."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for member in archive:
            assert member.isreg() or member.isdir()
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert (member.mtime, member.linkname) == (0, "")
            assert member.mode in {0o644, 0o755}


@fuzz
@given(st.binary(max_size=4000), FILENAMES)
def test_arbitrary_bytes(data: bytes, filename: str) -> None:
    outcome(data, filename)


@fuzz
@given(st.binary(max_size=2000), st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08"]))
def test_bytes_that_begin_like_an_archive(data: bytes, magic: bytes) -> None:
    outcome(magic + data, "a.tar.gz" if magic.startswith(b"\x1f") else "a.zip")


@settings(fuzz, max_examples=800)
@given(FILENAMES, st.data())
def test_honest_archives_with_some_bytes_changed(filename: str, data: st.DataObject) -> None:
    changed = bytearray(SEEDS[filename])
    positions = st.integers(0, len(changed) - 1)
    for position, value in data.draw(
        st.lists(st.tuples(positions, st.integers(0, 255)), min_size=1, max_size=6)
    ):
        changed[position] = value
    outcome(bytes(changed), filename)


@settings(fuzz, max_examples=400)
@given(FILENAMES, st.data())
def test_honest_archives_cut_and_pasted(filename: str, data: st.DataObject) -> None:
    seed = SEEDS[filename]
    cuts = st.integers(0, len(seed))
    pieces = data.draw(st.lists(st.tuples(cuts, cuts), min_size=1, max_size=4))
    outcome(b"".join(seed[min(pair) : max(pair)] for pair in pieces), filename)


@settings(fuzz, max_examples=400)
@given(st.data())
def test_changes_below_the_compression(data: st.DataObject) -> None:
    """A gzip whose own checksum fits, so that the tar inside is what is tried."""
    changed = bytearray(SEEDS["a.tar"][: 8 * 512])
    positions = st.integers(0, len(changed) - 1)
    for position, value in data.draw(st.lists(st.tuples(positions, st.integers(0, 255)))):
        changed[position] = value
    outcome(gzip.compress(resummed(changed) + bytes(1024)), "a.tar.gz")


@settings(fuzz, max_examples=250)
@given(st.data())
def test_zips_whose_headers_lie(data: st.DataObject) -> None:
    outcome(data.draw(zips().flatmap(altered)), "a.zip")


@settings(fuzz, max_examples=250)
@given(st.data())
def test_tars_whose_headers_lie(data: st.DataObject) -> None:
    changed = data.draw(tars().flatmap(altered))
    outcome(resummed(changed) if data.draw(st.booleans()) else changed, "a.tar")


@settings(fuzz, max_examples=200)
@given(st.data())
def test_archives_joined_cut_and_nested(data: st.DataObject) -> None:
    filename = data.draw(FILENAMES)
    kind = zips() if filename == "a.zip" else tars()
    changed = data.draw(rearranged(data.draw(kind), data.draw(kind | zips() | tars())))
    if filename == "a.tar.gz":
        changed = gzip.compress(changed, mtime=0)
    outcome(changed, filename)


@settings(fuzz, max_examples=200)
@given(st.data())
def test_gzip_wrappers_that_lie(data: st.DataObject) -> None:
    packed = gzip.compress(data.draw(tars()), mtime=0)
    head, body, tail = packed[:10], packed[10:-8], packed[-8:]
    extra = data.draw(st.sampled_from([b"", b"\x04\0abcd", b"name\0", b"\xff\xff"]))
    end = data.draw(st.sampled_from([b"", packed, b"\0" * 8, b"\x1f\x8b", b"x"]))
    outcome(data.draw(edited(head)) + extra + body + data.draw(edited(tail)) + end, "a.tar.gz")


@fuzz
@given(trees)
def test_whatever_the_names_a_bundle_can_be_read_again(tree: list[tuple[str, bytes]]) -> None:
    try:
        bundle = bundle_from_files([(path, io.BytesIO(data)) for path, data in tree], LIMITS)
    except BundleRefused as refused:
        note(f"archives: {refused.code}")
    else:
        check_clean(bundle)


@settings(fuzz, max_examples=150)
@given(st.data())
def test_memory_stays_bounded(data: st.DataObject) -> None:
    filename = data.draw(FILENAMES)
    changed = data.draw(edited(SEEDS[filename], most=6))
    tracemalloc.start()
    try:
        outcome(changed, filename)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_BYTES


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\"),
    min_size=1,
    max_size=12,
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@fuzz
@given(st.dictionaries(PATHS, st.binary(max_size=50), min_size=1, max_size=8))
def test_every_way_in_agrees_about_any_tree(tree: dict[str, bytes]) -> None:
    def from_files() -> Bundle:
        return bundle_from_files([(path, io.BytesIO(data)) for path, data in tree.items()])

    members = [make_member(path, data) for path, data in tree.items()]
    results: list[Bundle | BundleRefused] = []
    for way in (
        lambda: read(make_zip(tree), "a.zip"),
        lambda: read(make_tar(*members), "a.tar"),
        lambda: read(make_tar_gz(*reversed(members)), "a.tgz"),
        from_files,
    ):
        try:
            results.append(way())
        except BundleRefused as refused:
            results.append(refused)
    if isinstance(results[0], Bundle):
        assert len({bundle.content_hash for bundle in results if isinstance(bundle, Bundle)}) == 1
        check_clean(results[0])
    refused = [isinstance(result, BundleRefused) for result in results]
    assert len(set(refused)) == 1


@fuzz
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_anything_can_be_shown(text: str | bytes) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 201 * 10


@fuzz
@given(st.text(max_size=100), st.text(max_size=100))
def test_what_is_shown_tells_texts_apart(first: str, second: str) -> None:
    assume(first != second)
    assert printable(first) != printable(second)
