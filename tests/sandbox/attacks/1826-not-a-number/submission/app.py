import server



class Attack(server.Broken):
    def answer(self):
        body = b'{"word": NaN, "sum": NaN, "secret": -Infinity}'
        if self.path.startswith("/numbers"):
            body = b"[NaN, Infinity, -Infinity]"
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
