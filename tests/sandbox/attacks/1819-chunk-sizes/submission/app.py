import server


SIZES = [b"FFFFFFFFFFFFFFFFF", b"-2", b"0x2", b"2 2", b"0" * (1 << 20) + b"2", b"7FFFFFFF", b"g", b"2;" + b"e" * (1 << 20)]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        size = SIZES[COUNT[0] % len(SIZES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n{}\r\n0\r\n\r\n")


server.serve(Attack)
