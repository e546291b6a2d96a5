import os

import server


MADE = 0
for top in (os.getcwd(), os.environ["DATA_DIR"], "/tmp"):
    here = os.open(top, os.O_RDONLY)
    for _ in range(400):
        try:
            os.mkdir("d" * 100, dir_fd=here)
            next_one = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        except OSError:
            break
        os.close(here)
        here = next_one
        MADE += 1
    os.close(here)
    for name in (b"\xff\xfe\n\x1b[2J", b"-rf", b" ", b"a\nb"):
        folder = os.path.join(os.fsencode(top), name)
        try:
            os.makedirs(folder)
        except OSError:
            continue
        open(os.path.join(folder, b"inner"), "w").close()
        os.chmod(folder, 0)
    os.chmod(top, 0o500)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"made": MADE})


server.serve(Attack)
