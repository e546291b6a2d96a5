import os

import server


KEPT = []
for top in (os.getcwd(), os.environ["DATA_DIR"]):
    mark = os.path.join(top, "mark")
    if os.path.exists(mark):
        KEPT.append(mark)
    with open(mark, "w") as file:
        file.write("here")
with open("app.py", "a") as file:
    file.write("\nimport os\nos._exit(3)\n")
with open("server.py", "w") as file:
    file.write("raise SystemExit(4)\n")


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"kept": KEPT})


server.serve(Attack)
