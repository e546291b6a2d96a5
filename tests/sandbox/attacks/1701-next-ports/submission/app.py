import os
import socket
import threading

import server

PORT = int(os.environ["PORT"])
HELD = []


def hold(port, flags=()):
    listener = socket.socket()
    for flag in flags:
        listener.setsockopt(socket.SOL_SOCKET, flag, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(8)
    HELD.append(listener)


for offset in range(-450, 450):
    try:
        hold(PORT + offset)
    except (OSError, OverflowError):
        pass


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"held": len(HELD)})


for listener in HELD:
    if listener.getsockname()[1] == PORT:
        listener.close()
server.serve(Attack)
