import threading
import time

import server


STARTED = []


class Attack(server.Broken):
    def answer(self):
        if not STARTED:
            threading.stack_size(64 << 10)
            for _ in range(5000):
                try:
                    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                    STARTED.append(1)
                except RuntimeError:
                    break
        self.reply(200, {"threads": len(STARTED)})


server.serve(Attack)
