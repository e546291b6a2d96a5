import os

import server



class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"marks": [name for name in os.listdir(".") if name.startswith("PREPARED")]})


server.serve(Attack)
