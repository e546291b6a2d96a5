import re

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        re.match("(a+)+$", "a" * 60 + "b")


server.serve(Attack)
