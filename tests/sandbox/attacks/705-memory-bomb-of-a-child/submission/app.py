import os
import threading
import time

import server


def fill():
    while True:
        pid = os.fork()
        if pid == 0:
            kept = bytearray()
            while True:
                kept += b"x" * (4 << 20)
        os.waitpid(pid, 0)
        time.sleep(0.2)


threading.Thread(target=lambda: (time.sleep(0.4), fill()), daemon=True).start()


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
