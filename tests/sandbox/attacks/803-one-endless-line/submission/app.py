import os

import server


for _ in range(1600):
    os.write(1, b"z" * 65536)
os.write(2, b"\n" * 1_000_000)


class Attack(server.Broken):
    def answer(self):
        self.reply(500, {})


server.serve(Attack)
