"""Whatever bytes arrive, either a refusal or a bundle comes out, and in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import tracemalloc
import unicodedata

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backpath.execution.bundle import Bundle, BundleLimits, BundleRefused, bundle_from_files
from backpath.execution.bundle_rules import printable
from tests.execution.archives import contents, make_member, make_tar, make_tar_gz, make_zip, read

LIMITS = BundleLimits(
    packed_bytes=200_000, unpacked_bytes=300_000, file_bytes=100_000, files=50, entries=200
)
MEMORY_BYTES = 4 * 1024 * 1024
FILENAMES = st.sampled_from(["a.zip", "a.tar.gz", "a.tar"])
fuzz = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

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
    tracemalloc.start()
    try:
        result: Bundle | BundleRefused = read(data, filename, LIMITS)
    except BundleRefused as refused:
        result = refused
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MEMORY_BYTES
    if isinstance(result, BundleRefused):
        assert result.code.replace("_", "").isalpha()
        assert result.path.isprintable()
        assert result.rule
        assert str(result).isprintable()
    else:
        check_clean(result)
    return result


def check_clean(bundle: Bundle) -> None:
    held = contents(bundle)
    assert [file.path for file in bundle.files] == [path for path in held if path[-1] != "/"]
    assert 0 < len(bundle.files) <= LIMITS.files
    assert sum(file.size for file in bundle.files) <= LIMITS.unpacked_bytes
    assert bundle.content_hash == hashlib.sha256(bundle.tar).hexdigest()
    for path in held:
        names = path.rstrip("/").split("/")
        assert not {"", ".", ".."} & set(names)
        assert path == unicodedata.normalize("NFC", path)
    again = read(bundle.tar, "again.tar")
    assert (again.content_hash, again.notices) == (bundle.content_hash, [])


@fuzz
@given(st.binary(max_size=4000), FILENAMES)
def test_arbitrary_bytes(data: bytes, filename: str) -> None:
    outcome(data, filename)


@fuzz
@given(st.binary(max_size=2000), st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08"]))
def test_bytes_that_begin_like_an_archive(data: bytes, magic: bytes) -> None:
    outcome(magic + data, "a.tar.gz" if magic.startswith(b"\x1f") else "a.zip")


@settings(fuzz, max_examples=1500)
@given(FILENAMES, st.data())
def test_honest_archives_with_some_bytes_changed(filename: str, data: st.DataObject) -> None:
    changed = bytearray(SEEDS[filename])
    positions = st.integers(0, len(changed) - 1)
    for position, value in data.draw(
        st.lists(st.tuples(positions, st.integers(0, 255)), min_size=1, max_size=6)
    ):
        changed[position] = value
    outcome(bytes(changed), filename)


@settings(fuzz, max_examples=800)
@given(FILENAMES, st.data())
def test_honest_archives_cut_and_pasted(filename: str, data: st.DataObject) -> None:
    seed = SEEDS[filename]
    cuts = st.integers(0, len(seed))
    pieces = data.draw(st.lists(st.tuples(cuts, cuts), min_size=1, max_size=4))
    outcome(b"".join(seed[min(pair) : max(pair)] for pair in pieces), filename)


@settings(fuzz, max_examples=800)
@given(st.data())
def test_changes_below_the_compression(data: st.DataObject) -> None:
    """A gzip whose own checksum fits, so that the tar inside is what is tried."""
    changed = bytearray(SEEDS["a.tar"][: 8 * 512])
    positions = st.integers(0, len(changed) - 1)
    for position, value in data.draw(st.lists(st.tuples(positions, st.integers(0, 255)))):
        changed[position] = value
    for start in range(0, len(changed) - 511, 512):  # checksums that fit, wherever a header may be
        block = changed[start : start + 512]
        if block[257:262] == b"ustar":
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            changed[start + 148 : start + 156] = b"%06o\0 " % total
    outcome(gzip.compress(bytes(changed) + bytes(1024)), "a.tar.gz")


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
