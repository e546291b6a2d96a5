import server



class Attack(server.Broken):
    def answer(self):
        deep = 200_000
        if self.path.startswith("/echo"):
            body = b"[" * deep + b"]" * deep
        elif self.path.startswith("/numbers"):
            body = b'{"a":' * (deep // 2)
        else:
            body = b'{"word":' * 500 + b"1" + b"}" * 500
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
