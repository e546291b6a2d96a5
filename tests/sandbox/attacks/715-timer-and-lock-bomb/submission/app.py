import ctypes
import fcntl
import os
import signal

import server


libc = ctypes.CDLL(None, use_errno=True)
MADE = {"timers": 0, "signals": 0, "locks": 0, "watches": 0, "keys": 0}
handle = ctypes.c_void_p()
while MADE["timers"] < 20_000 and libc.timer_create(1, None, ctypes.byref(handle)) == 0:
    MADE["timers"] += 1
signal.pthread_sigmask(signal.SIG_BLOCK, [40])
while MADE["signals"] < 20_000 and libc.sigqueue(os.getpid(), 40, 0) == 0:
    MADE["signals"] += 1
watcher = libc.inotify_init1(0)
for folder, _, files in os.walk("/usr"):
    if MADE["watches"] > 5_000 or libc.inotify_add_watch(watcher, folder.encode(), 2) < 0:
        break
    MADE["watches"] += 1
with open("/tmp/locked", "w") as file:
    for number in range(3_000):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number * 2)
        MADE["locks"] += 1
    while MADE["keys"] < 500:
        name = f"k{MADE['keys']}".encode()
        if libc.syscall(248, b"user", name, b"x" * 100, 100, -2) < 0:
            break
        MADE["keys"] += 1
signal.pthread_sigmask(signal.SIG_BLOCK, [40])


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"made": MADE})


server.serve(Attack)
