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


for number in range(40):
    if os.fork() == 0:
        for port in range(1024 + number * 900, 1024 + (number + 1) * 900):
            if port != PORT:
                try:
                    hold(port)
                except OSError:
                    pass
        threading.Event().wait()


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"holders": 40})


server.serve(Attack)
