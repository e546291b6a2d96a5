import os

import server



class Attack(server.Broken):
    def answer(self):
        marks = [name for folder in (".", "/tmp", os.environ["DATA_DIR"]) for name in os.listdir(folder)
                 if name == "PREPARED"]
        self.reply(200, {"marks": marks})


server.serve(Attack)
