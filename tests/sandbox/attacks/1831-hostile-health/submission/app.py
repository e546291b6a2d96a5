import server


COUNT = [0]


def health(self):
    COUNT[0] += 1
    if COUNT[0] == 1:
        self.raw(b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
    elif COUNT[0] == 2:
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000)
    elif COUNT[0] == 3:
        self.raw(b"\x00" * 100_000)
    elif COUNT[0] == 4:
        self.raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (3 << 20))
    else:
        self.reply(200, {"ok": True})


server.Broken.health = health


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
