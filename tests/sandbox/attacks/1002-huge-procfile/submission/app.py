import os

import server



class Attack(server.Broken):
    def answer(self):
        with open("Procfile", "wb") as file:
            file.truncate(120 << 20)
        os._exit(0)


server.serve(Attack)
