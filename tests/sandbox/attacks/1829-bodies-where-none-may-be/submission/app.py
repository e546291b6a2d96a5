import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 " + (b"204 x", b"304 x", b"205 x")[len(self.path) % 3] + b"\r\nContent-Length: 30\r\n\r\n" + b"HTTP/1.1 200 OK\r\n\r\n{}" * 3)


server.serve(Attack)
