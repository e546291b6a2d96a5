import gc
import sys
import threading

import probe
import server


FOUND, HEARD = set(), [0]


def hear(*what):
    HEARD[0] += 1
    if HEARD[0] < 20_000:
        for match in probe.PATTERN.finditer(repr(what).encode("utf-8", "replace")):
            FOUND.add(match[0].decode())


def trace(frame, event, value):
    hear(event, frame.f_code.co_filename, value)
    return None


class Finder:
    def find_spec(self, name, path=None, target=None):
        hear(name, path)
        return None


sys.addaudithook(hear)
sys.settrace(trace)
threading.settrace_all_threads(trace)
threading.setprofile_all_threads(trace)
sys.meta_path.insert(0, Finder())
sys.path_hooks.insert(0, lambda path: hear(path) or (_ for _ in ()).throw(ImportError()))
sys.excepthook = sys.displayhook = sys.unraisablehook = hear
gc.callbacks.append(hear)


class Attack(server.Broken):
    def answer(self):
        self.reply(200, {"found": sorted(FOUND), "heard": HEARD[0]})


server.serve(Attack)
