"""Identifiers that sort by the time they were made."""

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """A version 7 UUID as RFC 9562 section 5.7 lays it out.

    48 bits of Unix milliseconds, then version, variant and 74 random bits. Rows made in
    sequence are neighbours in the index, and the identifier does not say how many there are.
    """
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10))
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (tail >> 68) << 64
    value |= 0b10 << 62
    value |= tail & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=value)
