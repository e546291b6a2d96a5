import server



class Attack(server.Broken):
    def answer(self):
        body = b'{"word": "\\ud800", "\\udfff": "\\udc00\\ud800", "sum": "\\u0000", "secret": "\\ud83d"}'
        if self.path.startswith("/numbers"):
            body = b'["\\ud800", "\\u0000"]'
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
