import server


LINES = [b"Content-Length: 5\r\nContent-Length: 50", b"Content-Length: 5, 6", b"Content-Length: +5",
         b"Content-Length: 0x5", b"Content-Length: ", b"Content-Length: -1",
         b"Content-Length: 99999999999999999999999999"]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        line = LINES[COUNT[0] % len(LINES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n" + b'{"word": 1}')


server.serve(Attack)
