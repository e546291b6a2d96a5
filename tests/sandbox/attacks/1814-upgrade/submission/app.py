import server



class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x81\x7e\xff\xff" * 100)


server.serve(Attack)
