import ctypes
import os
import signal

import server



class Attack(server.Broken):
    def answer(self):
        refused = []
        path = os.path.join(os.environ["DATA_DIR"], "huge")
        for action in (
            lambda file: file.truncate(1 << 40),
            lambda file: os.posix_fallocate(file.fileno(), 0, 1 << 40),
            lambda file: (file.seek(1 << 40), file.write(b"x")),
        ):
            try:
                with open(path, "wb", 0) as file:
                    action(file)
            except OSError as error:
                refused.append(error.strerror)
        self.reply(200, {"refused": refused})
        if self.path.startswith("/secret"):
            ctypes.CDLL(None).signal(signal.SIGXFSZ, 0)
            open(path, "wb", 0).truncate(1 << 40)


server.serve(Attack)
