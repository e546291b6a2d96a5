import server



class Attack(server.Broken):
    def answer(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b"x" * 65536)


server.serve(Attack)
