import server


LINES = [b"X: a\x00b", b"X: a\rY: b", b"X: a\nY: b", b"X : a", b": a", b"X", bytes(range(128, 256)) + b": x",
         b"X: " + bytes(set(range(1, 256)) - {10, 13})]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        line = LINES[COUNT[0] % len(LINES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\n{}")


server.serve(Attack)
