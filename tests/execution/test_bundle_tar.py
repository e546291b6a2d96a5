"""Tars that lie, plain and gzipped."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zlib

import pytest

from backpath.execution.bundle import BundleLimits
from backpath.execution.bundle_rules import MB
from tests.execution.archives import contents, make_member, make_tar, make_tar_gz, read, refusal

BLOCK = 512
MAIN = make_member("main.py", b"print(1)\n")


def pax_block(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extension header with its records, as raw blocks."""
    member, _ = make_member("PaxHeader", records, type=kind)
    return member.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % BLOCK)


def pax_record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length = len(str(length)) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (length, key, value)


def with_checksum(block: bytes) -> bytes:
    """The header block with its checksum made to fit."""
    total = sum(block[:148]) + 8 * 32 + sum(block[156:BLOCK])
    return block[:148] + b"%06o\0 " % total + block[156:]


# --- what is accepted


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
def test_long_and_foreign_names_are_read_in_every_format(layout: int) -> None:
    path = "/".join(["ordner-" + "ö" * 40] * 4) + "/größe.py"
    data = make_tar(make_member(path, b"1"), MAIN, layout=layout)
    assert contents(read(data, "a.tar")) == {"main.py": MAIN[1], path: b"1"}


def test_the_commit_that_git_notes_in_an_archive_is_no_obstacle() -> None:
    note = pax_block(pax_record(b"comment", b"4f2c0ffee" * 4), tarfile.XGLTYPE)
    assert contents(read(note + make_tar(MAIN), "a.tar")) == {"main.py": MAIN[1]}
    assert refusal(note + bytes(2 * BLOCK), "a.tar").code == "empty"


def test_old_tars_without_a_magic_are_read() -> None:
    block = bytearray(MAIN[0].tobuf(tarfile.USTAR_FORMAT))
    block[257:265] = bytes(8)
    block[156:157] = tarfile.AREGTYPE
    data = with_checksum(bytes(block)) + MAIN[1].ljust(BLOCK, b"\0") + bytes(2 * BLOCK)
    assert contents(read(data, "a.tar")) == {"main.py": MAIN[1]}


def test_a_file_whose_name_ends_in_a_slash_is_a_folder() -> None:
    data = make_tar(make_member("data/"), MAIN)
    assert contents(read(data, "a.tar")) == {"data/": b"", "main.py": MAIN[1]}
    refused = refusal(make_tar(make_member("data/", b"1"), MAIN), "a.tar")
    assert (refused.code, refused.path) == ("folder_with_data", "data/")


# --- what an entry may be


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "hardlink"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "fifo"),
        (tarfile.CONTTYPE, "other"),
        (b"V", "other"),
        (b"M", "other"),
        (b"Z", "other"),
    ],
)
@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_only_files_and_folders_are_accepted(kind: bytes, code: str, layout: int) -> None:
    odd = make_member("app/odd", type=kind, linkname="../../etc/passwd")
    refused = refusal(make_tar(MAIN, odd, layout=layout), "a.tar")
    assert (refused.code, refused.path) == (code, "app/odd")
    assert "accepted" in refused.rule


def test_a_link_with_a_very_long_target_is_refused_as_a_link() -> None:
    link = make_member("odd", type=tarfile.SYMTYPE, linkname="x" * 300)
    assert refusal(make_tar(link, layout=tarfile.GNU_FORMAT), "a.tar").code == "link"


@pytest.mark.parametrize("path", ["odd", ".venv/odd"])
def test_sparse_files_are_refused_even_where_things_are_left_out(path: str) -> None:
    gnu = make_member(path, type=tarfile.GNUTYPE_SPARSE)
    assert refusal(make_tar(gnu, MAIN, layout=tarfile.GNU_FORMAT), "a.tar").code == "sparse"
    pax = pax_block(pax_record(b"GNU.sparse.major", b"1")) + make_tar(make_member(path), MAIN)
    refused = refusal(pax, "a.tar")
    assert (refused.code, refused.path) == ("sparse", path)


def test_a_folder_with_content_is_refused() -> None:
    folder = make_member("app", b"payload", type=tarfile.DIRTYPE)
    assert refusal(make_tar(folder, MAIN), "a.tar").code == "folder_with_data"


# --- names, wherever they are kept


@pytest.mark.parametrize(
    ("raw_name", "code"),
    [
        (b"../evil.py", "path_parent"),
        (b"/etc/passwd", "path_absolute"),
        (b"a\0b.py", "path_nul"),
        (b"a\nb.py", "path_control"),
        (b"caf\xe9.py", "path_encoding"),
        ("\u202egnp.py".encode(), "path_bidi"),
        (b"", "path_empty"),
    ],
)
def test_a_pax_name_is_judged_like_any_other(raw_name: bytes, code: str) -> None:
    refused = refusal(pax_block(pax_record(b"path", raw_name)) + make_tar(MAIN), "a.tar")
    assert refused.code == code


def test_a_gnu_long_name_is_judged_like_any_other() -> None:
    name = make_member("../" * 50 + "evil.py", b"1")
    refused = refusal(make_tar(name, layout=tarfile.GNU_FORMAT), "a.tar")
    assert refused.code == "path_parent"


def test_a_header_name_that_is_not_utf_8_is_refused() -> None:
    block = bytearray(MAIN[0].tobuf(tarfile.USTAR_FORMAT))
    block[:7] = b"caf\xe9.py"
    data = with_checksum(bytes(block)) + bytes(3 * BLOCK)
    refused = refusal(data, "a.tar")
    assert (refused.code, refused.path) == ("path_encoding", "caf\\xe9.py")


def test_an_owner_that_is_not_utf_8_does_not_matter() -> None:
    block = bytearray(MAIN[0].tobuf(tarfile.USTAR_FORMAT))
    block[265:270] = b"ren\xe9e"
    data = with_checksum(bytes(block)) + MAIN[1].ljust(BLOCK, b"\0") + bytes(2 * BLOCK)
    assert contents(read(data, "a.tar")) == {"main.py": MAIN[1]}


# --- extension headers


@pytest.mark.parametrize(
    "records",
    [
        b"nonsense",
        b"99 path=x\n",
        b"5 path=x\n",
        b"0 path=x\n",
        b"-1 path=x\n",
        b"11 path=main",
        b"9 path:x\n",
        b"99999999999999999999999 path=x\n",
        b"\xb2 path=x\n",
        pax_record(b"size", b"-1"),
        pax_record(b"size", b"1e3"),
    ],
)
def test_damaged_pax_records_are_refused(records: bytes) -> None:
    refused = refusal(pax_block(records) + make_tar(MAIN), "a.tar")
    assert str(refused) == "a.tar: one of its pax headers is damaged"


@pytest.mark.parametrize("key", [b"path", b"size", b"linkpath", b"GNU.sparse.name"])
def test_one_name_or_size_for_everything_is_refused(key: bytes) -> None:
    data = pax_block(pax_record(key, b"1"), tarfile.XGLTYPE) + make_tar(MAIN)
    assert "to all entries" in refusal(data, "a.tar").rule


def test_a_pax_size_decides_how_much_is_read() -> None:
    data = pax_block(pax_record(b"size", b"%d" % (1 << 40))) + make_tar(MAIN)
    assert refusal(data, "a.tar").code == "truncated"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_huge_extension_header_is_refused_unread(kind: bytes) -> None:
    member, _ = make_member("x", type=kind)
    member.size = 15 * MB
    data = gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(15 * MB))
    tracemalloc.start()
    try:
        refused = refusal(data, "a.tgz")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.code == "header_too_large"
    assert peak < 2 * MB


def test_extension_headers_alone_do_not_go_on_for_ever() -> None:
    data = pax_block(pax_record(b"comment", b"x")) * 500 + make_tar(MAIN)
    refused = refusal(gzip.compress(data), "a.tgz", BundleLimits(entries=100))
    assert refused.code == "too_many_entries"


def test_an_extension_header_must_belong_to_an_entry() -> None:
    data = pax_block(pax_record(b"path", b"a.py")) + bytes(2 * BLOCK)
    assert "belongs to no entry" in refusal(data, "a.tar").rule


# --- bombs and damage


def test_a_gzip_bomb_is_stopped_early_and_in_little_memory() -> None:
    bomb = make_tar_gz(make_member("zeros.bin", bytes(90 * MB)))
    tracemalloc.start()
    try:
        refused = refusal(bomb, "bomb.tar.gz")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(refused) == "bomb.tar.gz: it unpacks to more than 100 times its packed size"
    assert peak < 4 * MB


def test_a_bomb_behind_the_end_of_the_tar_is_stopped_too() -> None:
    refused = refusal(gzip.compress(make_tar(MAIN) + bytes(50 * MB)), "bomb.tar.gz")
    assert refused.code == "ratio"


def test_a_hundred_thousand_entries_are_refused() -> None:
    block = make_member("f")[0].tobuf(tarfile.USTAR_FORMAT)
    blocks = (with_checksum(b"%06d" % number + block[6:]) for number in range(100_000))
    data = gzip.compress(b"".join(blocks) + bytes(2 * BLOCK), compresslevel=1)
    refused = refusal(data, "many.tar.gz", BundleLimits(files=200_000))
    assert str(refused) == "many.tar.gz: at most 20,000 entries are looked at"


def test_the_stream_is_limited_whatever_it_holds() -> None:
    data = make_tar_gz(*(make_member(f"{number}.py") for number in range(100)))
    size = len(gzip.decompress(data))
    assert len(read(data, "a.tgz", BundleLimits(unpacked_bytes=size)).files) == 100
    refused = refusal(data, "a.tgz", BundleLimits(unpacked_bytes=20_000))
    assert str(refused) == "a.tgz: it unpacks to more than 20,000 bytes"


def test_several_gzip_files_in_one_are_refused() -> None:
    half = len(make_tar(MAIN)) // 2
    data = gzip.compress(make_tar(MAIN)[:half]) + gzip.compress(make_tar(MAIN)[half:])
    refused = refusal(data, "a.tar.gz")
    assert refused.code == "several_members"
    refused = refusal(make_tar_gz(MAIN) * 2, "a.tar.gz")
    assert refused.code == "several_members"


@pytest.mark.parametrize("tail", [b"\0", b"more", bytes(100_000)])
def test_anything_after_the_gzip_data_is_refused(tail: bytes) -> None:
    assert refusal(make_tar_gz(MAIN) + tail, "a.tar.gz").code == "trailing_data"


def test_anything_after_the_end_of_the_tar_is_refused() -> None:
    for tail in (b"more", make_tar(make_member("hidden.py", b"1"))):
        assert refusal(make_tar(MAIN) + tail, "a.tar").code == "trailing_data"
        assert refusal(gzip.compress(make_tar(MAIN) + tail), "a.tgz").code == "trailing_data"
    lone = make_tar(MAIN)[: 2 * BLOCK] + bytes(BLOCK) + make_tar(MAIN)
    assert refusal(lone, "a.tar").code == "trailing_data"


def test_every_truncation_of_the_tar_is_refused() -> None:
    data = make_tar(MAIN, make_member("b.py", b"2"))
    needed = 6 * BLOCK  # two headers, two contents, two empty blocks
    for size in range(needed):
        assert refusal(data[:size], "a.tar").code in {"empty", "truncated"}
    assert len(read(data[:needed], "a.tar").files) == 2
    for size in range(BLOCK + 1, 2 * BLOCK):  # in the content of the first, or in its padding
        refused = refusal(data[:size], "a.tar")
        assert str(refused) == "main.py: the archive ends in the middle of it"


def test_every_truncation_of_the_gzip_data_is_refused() -> None:
    data = make_tar_gz(MAIN)
    for size in range(len(data)):
        assert refusal(data[:size], "a.tgz").code in {"empty", "wrong_format", "truncated"}


def test_a_damaged_header_is_not_taken_for_the_end() -> None:
    data = bytearray(make_tar(MAIN, make_member("b.py", b"2")))
    data[2 * BLOCK + 3] ^= 0xFF
    assert str(refusal(bytes(data), "a.tar")) == "a.tar: one of its headers is damaged"


def test_a_negative_size_is_refused() -> None:
    block = bytearray(MAIN[0].tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12
    refused = refusal(with_checksum(bytes(block)) + bytes(2 * BLOCK), "a.tar")
    assert str(refused) == "main.py: its size is negative"


def test_a_wrong_gzip_checksum_is_refused() -> None:
    data = bytearray(make_tar_gz(MAIN))
    data[-6] ^= 0xFF
    assert refusal(bytes(data), "a.tgz").code == "damaged"


def test_gzip_without_a_tar_in_it_is_refused() -> None:
    assert refusal(gzip.compress(b"just text"), "a.tar.gz").code == "truncated"
    assert refusal(gzip.compress(b"just text " * 100), "a.tar.gz").code == "damaged"


def test_raw_zlib_is_not_taken_for_gzip() -> None:
    assert refusal(zlib.compress(make_tar(MAIN)), "a.tgz").code == "wrong_format"
    assert io.BytesIO(make_tar_gz(MAIN)).read(2) == b"\x1f\x8b"
