import time

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        time.sleep(3600)


server.serve(Attack)
