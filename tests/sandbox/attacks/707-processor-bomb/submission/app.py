import os

import server


BURNING = []


class Attack(server.Broken):
    def answer(self):
        if not BURNING:
            for _ in range(30):
                BURNING.append(os.fork())
                if BURNING[-1] == 0:
                    while True:
                        pass
        self.reply(200, {"burning": len(BURNING)})


server.serve(Attack)
