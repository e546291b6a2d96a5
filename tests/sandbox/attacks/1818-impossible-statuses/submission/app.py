import server


STATUSES = [b"000 x", b"099 x", b"600 x", b"999 x", b"-20 x", b"2000 x", b"abc x", b"\xef\xbc\x92\xef\xbc\x90\xef\xbc\x90 x", b""]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        status = STATUSES[COUNT[0] % len(STATUSES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")


server.serve(Attack)
