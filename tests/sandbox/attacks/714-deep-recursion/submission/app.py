import ctypes
import sys
import threading

import server



class Attack(server.Broken):
    def answer(self):
        sys.setrecursionlimit(1 << 30)
        def down(value):
            return repr(value) if value else down(down)
        deep = []
        for _ in range(500_000):
            deep = [deep]
        threading.stack_size(0)
        ctypes.string_at(0) if self.path.startswith("/sum") else repr(deep)
        self.reply(200, {})


server.serve(Attack)
