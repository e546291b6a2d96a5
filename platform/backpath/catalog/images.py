"""How large a picture is, so that a page does not move when it arrives."""

import struct

from backpath.catalog.svg import svg_size


def image_size(data: bytes, suffix: str) -> tuple[int, int]:
    """Width and height in pixels of a PNG or SVG; (0, 0) when they are not known."""
    if suffix == ".svg":
        return svg_size(data) or (0, 0)
    if suffix == ".png" and len(data) >= 24 and data[12:16] == b"IHDR":
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    return 0, 0
