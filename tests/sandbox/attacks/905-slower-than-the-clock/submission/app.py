import time

import server



class Attack(server.Honest):
    def answer(self):
        time.sleep(3)
        super().answer()


server.serve(Attack)
