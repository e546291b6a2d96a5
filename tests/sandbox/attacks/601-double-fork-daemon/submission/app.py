import os
import signal
import time

import server



class Attack(server.Broken):
    def answer(self):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in range(1, 65):
                    try:
                        signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError):
                        pass
                os.closerange(0, 1024)
                while True:
                    time.sleep(60)
            os._exit(0)
        self.reply(200, {"left": True})


server.serve(Attack)
