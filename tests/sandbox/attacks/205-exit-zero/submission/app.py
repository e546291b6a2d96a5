import os

import server



class Attack(server.Broken):
    def answer(self):
        os._exit(0)


server.serve(Attack)
