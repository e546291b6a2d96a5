import os
import threading

import server

PORT = int(os.environ["PORT"])
ANSWERS = []
for address in ("127.0.0.2", "127.1.2.3", "127.255.255.254"):
    other = server.Server((address, PORT), server.Honest)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    ANSWERS.append(address)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"also": ANSWERS})


server.serve(Attack)
