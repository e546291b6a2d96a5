import os
import socket
import stat

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        found = []
        for folder, folders, files in os.walk("/"):
            if folder == "/":
                folders[:] = [name for name in folders if name not in ("proc", "sys")]
            if folder in ("/usr", "/opt/backpath/venv"):
                folders[:] = []
            for name in files:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode) or "docker" in name and name.endswith("sock"):
                        found.append(path)
                except OSError:
                    pass
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
                     "/run/podman/podman.sock", "/proc/1/root/run/docker.sock", "\0docker"):
            try:
                with socket.socket(socket.AF_UNIX) as engine:
                    engine.settimeout(0.5)
                    engine.connect(path)
                    found.append(path)
            except OSError:
                pass
        for port in (2375, 2376, 2377, 4243, 10250, 6443):
            with socket.socket() as engine:
                if engine.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(port)
        self.reply(200, {"engines": found})


server.serve(Attack)
