import os

import server


def flood(*descriptors):
    piece = (b"y" * 4095 + b"\n") * 16
    while True:
        for descriptor in descriptors:
            try:
                os.write(descriptor, piece)
            except OSError:
                pass


class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        if os.fork() == 0:
            os.setsid()
            flood(1, 2)
        os._exit(1)


server.serve(Attack)
