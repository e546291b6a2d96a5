import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"Set-Cookie: c%d=%s; Domain=localhost; Path=/; Expires=Fri, 99 Foo 99999 99:99:99 GMT\r\n" % (n, b"v" * 20) for n in range(500)) + b"Content-Length: 2\r\n\r\n{}")


server.serve(Attack)
