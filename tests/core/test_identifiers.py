"""Identifiers sort by time and are version 7 UUIDs."""

import time
import uuid

from backpath.core.identifiers import uuid7


def test_version_variant_and_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= after


def test_later_ones_sort_later() -> None:
    first = uuid7()
    time.sleep(0.002)
    assert first < uuid7()


def test_random_part_uses_all_its_bits() -> None:
    made = [uuid7().int for _ in range(400)]
    assert len(set(made)) == 400
    mask = (0xFFF << 64) | 0x3FFF_FFFF_FFFF_FFFF
    ever_set, ever_clear = 0, 0
    for value in made:
        ever_set |= value
        ever_clear |= ~value
    assert ever_set & mask == mask
    assert ever_clear & mask == mask
