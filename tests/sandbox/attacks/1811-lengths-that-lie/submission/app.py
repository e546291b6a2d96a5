import server



class Attack(server.Broken):
    def answer(self):
        length = 1 if self.path.startswith("/numbers") else 10_000
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + b'{"word": "short"}')


server.serve(Attack)
