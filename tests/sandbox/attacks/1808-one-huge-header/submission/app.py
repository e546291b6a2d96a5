import server



class Attack(server.Broken):
    def answer(self):
        folded = b"X-Fold: a\r\n" + b" b\r\n" * 1000
        self.raw(b"HTTP/1.1 200 OK\r\n" + folded + b"X-Huge: " + b"h" * (4 << 20) + b"\r\nContent-Length: 2\r\n\r\n{}")


server.serve(Attack)
