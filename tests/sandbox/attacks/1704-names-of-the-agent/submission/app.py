import os
import socket
import threading

import server


HELD = []
GOOD = b'\x01\x00\x00\x00\x0b{"ok":true}'


def serve(listener):
    while True:
        connection, _ = listener.accept()
        connection.sendall(GOOD * 3)


for name in ("backpath-control", "backpath-agent", "backpath", "control", "agent", "runner",
             "modules", "link", "port", "backpath-link", "backpath-modules"):
    for address in ("\0" + name, "/tmp/" + name, "/tmp/" + name + ".sock", os.getcwd() + "/" + name):
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(address)
            listener.listen(8)
        except OSError:
            continue
        HELD.append(listener)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"held": len(HELD)})


server.serve(Attack)
