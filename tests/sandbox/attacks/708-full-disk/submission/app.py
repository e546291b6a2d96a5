import os

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        used = {}
        for top in (os.getcwd(), os.environ["DATA_DIR"], "/tmp", "/dev", "/var/tmp"):
            try:
                for number in range(400):
                    with open(f"{top}/full-{number}", "wb") as file:
                        file.write(bytes(4 << 20))
                    used[top] = number
            except OSError as error:
                used[top] = [used.get(top), error.strerror]
        self.reply(200, {"used": used})


server.serve(Attack)
