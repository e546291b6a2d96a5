import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
                 + b"Status: 200\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n" * 300 + b"\r\n")


server.serve(Attack)
