import json
import struct

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


forged = b"".join(frame(1, json.dumps(message).encode()) for message in messages())
text = json.dumps(list(messages())).encode()


class Attack(server.Broken):
    def answer(self):
        self.raw(b"HTTP/1.1 200 " + text + b"\r\nX-Frame: " + text + b"\r\n"
                 + b"Content-Length: %d\r\n\r\n" % len(forged) + forged)


server.serve(Attack)
