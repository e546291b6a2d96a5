import os
import shutil
import site
import sys

import server

for folder in {*sys.path, site.getusersitepackages(), os.path.expanduser("~/.local/bin")}:
    try:
        os.makedirs(folder, exist_ok=True)
        shutil.copytree("evil-1.0.dist-info", f"{folder}/evil-1.0.dist-info", dirs_exist_ok=True)
        shutil.copy("evil.py", folder)
    except OSError:
        pass
server.serve(server.Broken)
