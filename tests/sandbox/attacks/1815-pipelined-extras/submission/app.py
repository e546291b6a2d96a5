import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"".join(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                          for body in [b"{}", b"[0, 1, 2]", b'{"sum": 1}'] * 4))


server.serve(Attack)
