import os

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        for top in (os.getcwd(), os.environ["DATA_DIR"], "/tmp"):
            for number in range(400):
                try:
                    with open(f"{top}/full-{number}", "wb") as file:
                        file.write(bytes(4 << 20))
                except OSError:
                    break
        self.reply(200, {})


server.serve(Attack)
