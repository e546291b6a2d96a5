import server


class Attack(server.Broken):
    def answer(self):
        kept = bytearray()
        while True:
            kept += b"x" * (4 << 20)


server.serve(Attack)
