import os
import signal

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        os.kill(0, signal.SIGSTOP)


server.serve(Attack)
