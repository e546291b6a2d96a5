import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 " + b"O" * (4 << 20) + b"\r\nContent-Length: 2\r\n\r\n{}")


server.serve(Attack)
