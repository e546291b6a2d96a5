"""Zips that lie: every header field an attacker can set, set."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from backpath.execution.bundle import BundleLimits
from backpath.execution.bundle_rules import MB
from tests.execution.archives import contents, make_zip, read, refusal

LOCAL = b"PK\x03\x04"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"


def patched(data: bytes, header: bytes, offset: int, layout: str, value: int) -> bytes:
    """The zip with one field of its first header of a kind replaced."""
    changed = bytearray(data)
    struct.pack_into(layout, changed, data.index(header) + offset, value)
    return bytes(changed)


def entry(
    name: bytes, content: bytes, *, offset: int = 0, count: int = 1, **central: int
) -> tuple[bytes, bytes]:
    """A stored entry written by hand: its local part and its directory record."""
    crc, size = zlib.crc32(content), len(content)
    local = struct.pack("<4s5H3L2H", LOCAL, 20, 0, 0, 0, 0, crc, size, size, len(name), 0)
    record = struct.pack(
        "<4s4B4HL2L5H2L",
        *(CENTRAL, 20, 3, 20, 0, 0, 0, 0, 0, crc, size, size, len(name), 0, 0, 0, 0),
        *(central.get("attributes", 0), offset),
    )
    return local + name + content, (record + name) * count


def closed(body: bytes, directory: bytes, count: int, *, comment: bytes = b"") -> bytes:
    """The zip of a body, a directory and the end record that belongs to both."""
    sizes = (0, 0, count, count, len(directory), len(body), len(comment))
    return body + directory + struct.pack("<4s4H2LH", END, *sizes) + comment


def wide_end(data: bytes, *, record: bytes = b"PK\x06\x06", distance: int = 0) -> bytes:
    """The zip with its end written in the 64-bit form; `distance` misplaces the record."""
    fields = struct.unpack_from("<4s4H2LH", data, len(data) - 22)
    count, size, offset = fields[4], fields[5], fields[6]
    wide = struct.pack("<4sQ2H2L4Q", record, 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - 22 + distance, 1)
    narrow = struct.pack("<4s4H2LH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:-22] + wide + locator + narrow


# --- what is accepted


def test_stored_streamed_and_64_bit_entries_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("stored.py", b"1", zipfile.ZIP_STORED)
        with archive.open("wide.py", "w", force_zip64=True) as stream:
            stream.write(b"2")
    assert contents(read(buffer.getvalue(), "a.zip")) == {"stored.py": b"1", "wide.py": b"2"}

    class Pipe(io.RawIOBase):
        """Cannot seek, so that sizes follow each content in a descriptor."""

        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"x" * 5000)
        archive.writestr("b.py", b"")
    assert contents(read(bytes(pipe.written), "a.zip")) == {"a.py": b"x" * 5000, "b.py": b""}


def test_an_end_in_64_bits_is_read() -> None:
    data = wide_end(make_zip({"a.py": b"1", "b.py": b"2"}))
    assert contents(read(data, "a.zip")) == {"a.py": b"1", "b.py": b"2"}


def test_a_comment_after_the_end_is_part_of_the_zip() -> None:
    body, directory = entry(b"a.py", b"1")
    commented = closed(body, directory, 1, comment=b"4f2c0ffee" * 4)
    assert contents(read(commented, "a.zip")) == {"a.py": b"1"}


def test_names_in_utf_8_are_read_without_the_flag_for_it() -> None:
    body, directory = entry("größe.py".encode(), b"1")
    assert contents(read(closed(body, directory, 1), "a.zip")) == {"größe.py": b"1"}


def test_an_archive_inside_is_a_file_like_any_other() -> None:
    bomb = make_zip({"zeros": bytes(50 * MB)}, level=9)
    held = contents(read(make_zip({"inner.zip": bomb, "main.py": b"1"}), "a.zip"))
    assert held["inner.zip"] == bomb


def test_windows_and_missing_modes_mean_a_plain_file() -> None:
    bundle = read(make_zip({"a.py": b"1"}, modes={"a.py": 0}), "a.zip")
    assert [(file.path, file.is_executable) for file in bundle.files] == [("a.py", False)]


# --- what an entry may be


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (stat.S_IFLNK, "link"),
        (stat.S_IFCHR, "device"),
        (stat.S_IFBLK, "device"),
        (stat.S_IFIFO, "fifo"),
        (stat.S_IFSOCK, "socket"),
        (0o150000, "other"),
    ],
)
@pytest.mark.parametrize("made_on", [0, 3])
def test_a_mode_that_is_no_file_is_refused(kind: int, code: str, made_on: int) -> None:
    data = make_zip({"main.py": b"1", "odd": b"/etc/passwd"}, modes={"odd": kind | 0o777})
    data = patched(data, CENTRAL, 5, "<B", made_on)
    refused = refusal(data, "a.zip")
    assert (refused.code, refused.path) == (code, "odd")
    assert "accepted" in refused.rule


@pytest.mark.parametrize("name", ["a/", "a"])
def test_a_folder_with_content_is_refused(name: str) -> None:
    data = make_zip({name: b"payload"}, modes={name: stat.S_IFDIR | 0o755})
    refused = refusal(data, "a.zip")
    assert (refused.code, refused.path) == ("folder_with_data", name)


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_an_encrypted_entry_is_refused(flag: int) -> None:
    data = patched(make_zip({"a.py": b"1"}), CENTRAL, 8, "<H", flag)
    refused = refusal(patched(data, LOCAL, 6, "<H", flag), "a.zip")
    assert (refused.code, refused.path) == ("encrypted", "a.py")
    assert "without a password" in refused.rule


def test_aes_encryption_is_called_encryption() -> None:
    data = patched(make_zip({"a.py": b"1"}), CENTRAL, 10, "<H", 99)
    assert refusal(patched(data, LOCAL, 8, "<H", 99), "a.zip").code == "encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused_by_its_number(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.py", b"x" * 100)
    refused = refusal(buffer.getvalue(), "a.zip")
    assert (refused.code, refused.path) == ("unsupported_compression", "a.py")
    assert f"method {method}" in refused.rule


@pytest.mark.parametrize(
    ("raw_name", "code", "shown"),
    [
        (b"caf\xe9.py", "path_encoding", "caf\\xe9.py"),
        (b"a\0.py", "path_nul", "a\\x00.py"),
        (b"..\\evil.py", "path_backslash", "..\\\\evil.py"),
        (b"", "path_empty", ""),
    ],
)
def test_raw_names_are_judged_as_they_stand(raw_name: bytes, code: str, shown: str) -> None:
    body, directory = entry(raw_name, b"1")
    refused = refusal(closed(body, directory, 1), "a.zip")
    assert (refused.code, refused.path) == (code, shown)


# --- bombs


def test_a_bomb_is_stopped_early_and_in_little_memory() -> None:
    bomb = make_zip({"zeros.bin": bytes(90 * MB)}, level=9)
    assert len(bomb) < MB
    tracemalloc.start()
    try:
        refused = refusal(bomb, "bomb.zip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(refused) == "zeros.bin: it unpacks to more than 100 times its packed size"
    assert peak < 4 * MB


def test_a_bomb_that_promises_little_is_stopped_at_what_it_promised() -> None:
    data = make_zip({"zeros.bin": bytes(5 * MB)}, level=9)
    data = patched(data, CENTRAL, 24, "<L", 10)
    refused = refusal(patched(data, LOCAL, 22, "<L", 10), "bomb.zip")
    assert str(refused) == "zeros.bin: it unpacks to more than the zip says"


def test_many_files_below_the_ratio_still_count_together() -> None:
    files = {f"{number}.bin": bytes(MB) for number in range(40)}
    refused = refusal(make_zip(files, level=9), "bomb.zip")
    assert refused.code == "ratio"


def test_entries_that_share_their_bytes_are_refused() -> None:
    body, record = entry(b"a.py", b"x" * 1000)
    refused = refusal(closed(body, record * 2, 2), "bomb.zip")
    assert (refused.code, refused.path) == ("overlap", "a.py")
    assert "shares bytes" in refused.rule


def test_an_entry_that_quotes_the_next_one_is_refused() -> None:
    """The construction of the better zip bombs: each content is the following entry."""
    inner_body, _ = entry(b"b.py", b"kernel")
    outer_body, outer_record = entry(b"a.py", inner_body)
    _, inner_record = entry(b"b.py", b"kernel", offset=len(outer_body) - len(inner_body))
    refused = refusal(closed(outer_body, outer_record + inner_record, 2), "bomb.zip")
    assert (refused.code, refused.path) == ("overlap", "b.py")


def test_a_hundred_thousand_entries_are_refused_before_they_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"{number:x}", b"")
    tracemalloc.start()
    try:
        refused = refusal(buffer.getvalue(), "many.zip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(refused) == "many.zip: it has 100,000 entries, at most 20,000 are looked at"
    assert peak < 32 * MB


def test_a_directory_longer_than_its_count_is_refused() -> None:
    body, record = entry(b"a.py", b"1")
    refused = refusal(closed(body, record * 2, 1), "a.zip")
    assert str(refused) == "a.zip: its directory has more in it than it says"


# --- headers that disagree


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [(8, "<H", 0), (14, "<L", 7), (18, "<L", 2), (22, "<L", 2)],
    ids=["method", "crc", "packed size", "unpacked size"],
)
def test_a_local_header_must_agree_with_the_directory(offset: int, layout: str, value: int) -> None:
    data = patched(make_zip({"a.py": b"x" * 50}), LOCAL, offset, layout, value)
    refused = refusal(data, "a.zip")
    assert (refused.code, refused.path) == ("header_mismatch", "a.py")


def test_two_names_for_one_entry_are_refused() -> None:
    data = make_zip({"a.py": b"1"}).replace(b"a.py", b"b.py", 1)
    assert refusal(data, "a.zip").code == "header_mismatch"


def test_content_is_held_against_its_checksum() -> None:
    data = patched(make_zip({"a.py": b"x" * 50}), CENTRAL, 16, "<L", 1)
    refused = refusal(patched(data, LOCAL, 14, "<L", 1), "a.zip")
    assert str(refused) == "a.py: its content does not match its checksum"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda data: data[:-1], "truncated", "the end of the zip is missing"),
        (lambda data: data[:-30], "truncated", "the end of the zip is missing"),
        (lambda data: data[: len(data) // 2], "truncated", "the end of the zip is missing"),
        (lambda _: LOCAL + bytes(50) + END + bytes(5), "truncated", "the end of the zip"),
        (lambda data: data + b"\0", "trailing_data", "more after the end"),
        (lambda data: data + b"<?php ?>", "trailing_data", "more after the end"),
        (lambda data: LOCAL + b"prefix" + data, "damaged", "not where the zip says"),
        (lambda data: patched(data, CENTRAL, 42, "<L", 1 << 30), "damaged", "outside the zip"),
        (lambda data: patched(data, CENTRAL, 42, "<L", 1), "damaged", "header is not where"),
        (lambda data: patched(data, CENTRAL, 20, "<L", 1 << 30), "damaged", "content lies outside"),
        (lambda data: patched(data, CENTRAL, 0, "<L", 0), "damaged", "its directory is damaged"),
        (lambda data: patched(data, CENTRAL, 28, "<H", 60_000), "damaged", "ends too early"),
        (lambda data: patched(data, END, 8, "<L", 0x20002), "damaged", "ends too early"),
        (lambda data: patched(data, END, 16, "<L", 3), "damaged", "directory is not where"),
        (lambda data: patched(data, END, 4, "<H", 1), "split_archive", "part of a split zip"),
        (lambda data: patched(data, END, 8, "<H", 7), "split_archive", "part of a split zip"),
        (lambda data: patched(data, CENTRAL, 34, "<H", 2), "split_archive", "another part"),
        (lambda data: patched(data, CENTRAL, 20, "<L", 0xFFFFFFFF), "damaged", "64-bit sizes"),
        (lambda data: patched(data, END, 16, "<L", 0xFFFFFFFF), "damaged", "64-bit end"),
        (
            lambda _: patched(closed(b"", b"", 0), END, 8, "<L", ~0 & 0xFFFFFFFF),
            "damaged",
            "64-b",
        ),
        (lambda data: wide_end(data, record=b"PK\x06\x07"), "damaged", "64-bit end"),
        (lambda data: wide_end(data, distance=4), "damaged", "64-bit end"),
    ],
)
def test_a_damaged_zip_is_refused_for_what_is_wrong(
    change: Callable[[bytes], bytes], code: str, words: str
) -> None:
    refused = refusal(change(make_zip({"a.py": b"x = 1\n" * 20})), "a.zip")
    assert refused.code == code
    assert words in refused.rule


def test_a_deflate_stream_must_end_where_its_entry_ends() -> None:
    squeeze = zlib.compressobj(wbits=-15)
    packed = squeeze.compress(b"hello") + squeeze.flush()
    for content, words in (
        (packed[:-2], "ends too early"),
        (packed + b"more", "more after its compressed content"),
        (b"\xff" * 20, "is damaged"),
    ):
        body, directory = entry(b"a.py", content)
        data = closed(body, directory, 1)
        for header, at_method, at_crc, at_size in ((LOCAL, 8, 14, 22), (CENTRAL, 10, 16, 24)):
            data = patched(data, header, at_method, "<H", 8)
            data = patched(data, header, at_crc, "<L", zlib.crc32(b"hello"))
            data = patched(data, header, at_size, "<L", 5)
        refused = refusal(data, "a.zip")
        assert (refused.code, refused.path) == ("damaged", "a.py")
        assert words in refused.rule


def test_every_truncation_is_refused() -> None:
    data = make_zip({"a.py": b"x = 1\n" * 20, "b/c.py": b"y"})
    codes = {refusal(data[:size], "a.zip").code for size in range(len(data))}
    assert codes <= {"empty", "wrong_format", "truncated"}


def test_limits_are_the_callers() -> None:
    data = make_zip({"a.bin": bytes(2 * MB)}, level=9)
    assert read(data, "a.zip", BundleLimits(ratio=2000)).files[0].size == 2 * MB
    assert refusal(data, "a.zip", BundleLimits(ratio=50)).code == "ratio"
