import ctypes
import time

import server



class Attack(server.Broken):
    def answer(self):
        libc = ctypes.CDLL(None, use_errno=True)
        limit = (ctypes.c_ulong * 2)(0, 0)
        done = libc.prlimit(1, 0, ctypes.byref(limit), None)
        time.sleep(2 if self.path.startswith("/echo") else 0)
        self.reply(200, {"done": done})


server.serve(Attack)
