import server



class Attack(server.Broken):
    def answer(self):
        self.raw((b'{"word": "x"}\n', b"SSH-2.0-x\r\n\r\n", b"\x16\x03\x01\x00\x05xxxxx\r\n\r\n", b"220 ftp\r\n\r\n")[len(self.path) % 4])


server.serve(Attack)
