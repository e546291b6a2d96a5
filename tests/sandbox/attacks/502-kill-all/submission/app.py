import os
import signal

import server



class Attack(server.Broken):
    def answer(self):
        os.system("kill -9 -1")
        os.kill(-1, signal.SIGKILL)


server.serve(Attack)
