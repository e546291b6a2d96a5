import os
import signal
import time

import server


for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(5):
    if os.fork() == 0:
        while True:
            time.sleep(60)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
