import os
import threading

import server


def flood(*descriptors):
    piece = (b"y" * 4095 + b"\n") * 16
    while True:
        for descriptor in descriptors:
            try:
                os.write(descriptor, piece)
            except OSError:
                pass


for _ in range(2):
    threading.Thread(target=flood, args=(1, 2), daemon=True).start()


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
