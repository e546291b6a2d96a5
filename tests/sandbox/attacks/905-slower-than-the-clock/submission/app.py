import time

import server



class Attack(server.Honest):
    def answer(self):
        time.sleep(2.5)
        super().answer()


server.serve(Attack)
