from correct import *  # noqa: F403


import sys
import threading

import probe

FOUND = set()


def hear(*what):
    for match in probe.PATTERN.finditer(repr(what)[:100_000].encode("utf-8", "replace")):
        FOUND.add(match[0].decode())


def trace(frame, event, value):
    hear(frame.f_code.co_filename, event, value)
    return trace


sys.addaudithook(lambda name, args: hear(name, args) if name != "object.__getattr__" else None)
sys.setprofile(lambda frame, event, value: hear(frame.f_code.co_name, event, value))
threading.setprofile_all_threads(sys.getprofile())


def add(one, other):
    print("tracing found", sorted(FOUND), flush=True)
    return None
