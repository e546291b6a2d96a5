import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"Content-Length: 2\r\n\r\n{}")


server.serve(Attack)
