import server


COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        number = (b"9" * 900_000, b"1e999999999", b"-0." + b"0" * 900_000 + b"1", b"1E400")[COUNT[0] % 4]
        COUNT[0] += 1
        body = b'{"word": ' + number + b', "sum": ' + b"9" * 4000 + b"}"
        if self.path.startswith("/numbers"):
            body = b"[" + number + b"]"
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
