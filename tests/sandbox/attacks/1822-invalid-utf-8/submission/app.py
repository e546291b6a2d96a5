import server


BODIES = [b'{"word": "\xff\xfe"}', b'{"word": "\xed\xa0\x80"}', b"\xc0\xaf", '{"word": 1}'.encode("utf-16"),
          '{"word": 1}'.encode("utf-32-be"), b"\xef\xbb\xbf{}", b'{"word": "\xf4\x90\x80\x80"}']
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        body = BODIES[COUNT[0] % len(BODIES)]
        COUNT[0] += 1
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=x-evil\r\nX-Bytes: \xff\xfe\xed\xa0\x80\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
