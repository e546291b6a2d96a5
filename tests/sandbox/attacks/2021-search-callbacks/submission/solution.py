from correct import *  # noqa: F403


import gc
import probe


def apply(function, values):
    looked = probe.Probe()
    for name in ("__globals__", "__code__", "__closure__", "__defaults__", "__module__",
                 "__self__", "__dict__", "__doc__", "__name__", "__qualname__", "__wrapped__",
                 "__class__", "__reduce__", "__getstate__", "__init_subclass__", "gi_frame"):
        for target in (function, type(function), values):
            try:
                found = getattr(target, name)
                looked.see("callback", repr(found).encode("utf-8", "replace"))
                looked.see("callback", repr(vars(found)).encode("utf-8", "replace"))
            except Exception:
                looked.count("refused")
    looked.see("callback", repr(gc.get_referents(function)).encode("utf-8", "replace"))
    looked.see("callback", repr(dir(function)).encode("utf-8", "replace"))
    for found in looked.found:
        print("found", found, flush=True)
    return looked.report()
