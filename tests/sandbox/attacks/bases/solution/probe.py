"""Looks for the hidden suite wherever learner code can look. What is found is said plainly."""

import gc
import os
import re
import stat
import sys
import threading

# Does not match itself.
PATTERN = re.compile(rb"canary[-_]([0-9a-f]{16})(?![0-9a-f])")
WIDE = re.compile(rb"(?:[0-9a-f]\0){16}")


class Probe:
    """Collects what was found and how much was looked at."""

    def __init__(self):
        self.found = set()
        self.looked = {}
        self.opened = []

    def see(self, kind, data):
        self.looked[kind] = self.looked.get(kind, 0) + len(data)
        self.found |= {match[0].decode() for match in PATTERN.finditer(data)}

    def count(self, kind, number=1):
        self.looked[kind] = self.looked.get(kind, 0) + number

    def report(self):
        return {"found": sorted(self.found), "looked": self.looked, "opened": self.opened[:40]}

    def file(self, path, kind="files", limit=4 << 20):
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return
        try:
            self.see(kind, path.encode("utf-8", "replace"))
            while limit > 0 and (data := os.read(descriptor, 1 << 20)):
                self.see(kind, data)
                limit -= len(data)
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def tree(self, top, kind="files", skip=()):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in skip]
            for name in files:
                self.file(os.path.join(folder, name), kind)

    def memory(self, pid="self", limit=256 << 20):
        """Every readable stretch of a process's memory."""
        try:
            maps = open(f"/proc/{pid}/maps").read().splitlines()
            with open(f"/proc/{pid}/mem", "rb", 0) as mem:
                for line in maps:
                    span, access = line.split()[:2]
                    start, end = (int(part, 16) for part in span.split("-"))
                    if access[0] != "r" or "[vvar" in line or "[vsyscall]" in line:
                        continue
                    rest = b""
                    while start < end and limit > 0:
                        try:
                            mem.seek(start)
                            data = mem.read(min(1 << 20, end - start))
                        except (OSError, ValueError, OverflowError):
                            break
                        if not data:
                            break
                        self.see(f"memory of {pid}", rest + data)
                        rest = data[-64:]
                        start += len(data)
                        limit -= len(data)
        except OSError as error:
            self.opened.append(f"memory of {pid}: {error.strerror}")

    def objects(self):
        gc.unfreeze()
        for item in gc.get_objects():
            self.count("objects")
            if isinstance(item, dict):
                for key, value in list(item.items()):
                    for one in (key, value):
                        if isinstance(one, str) and "canary" in one:
                            self.see("strings", one.encode("utf-8", "replace"))
                        if isinstance(one, bytes) and b"canary" in one:
                            self.see("strings", one)

    def frames(self):
        for frame in list(sys._current_frames().values()):
            while frame is not None:
                self.count("frames")
                self.see("frames", repr(frame.f_locals)[:100_000].encode("utf-8", "replace"))
                frame = frame.f_back
        for thread in threading.enumerate():
            self.see("threads", repr(vars(thread)).encode("utf-8", "replace"))

    def environment(self):
        self.see("environment", repr(dict(os.environ)).encode())
        self.see("arguments", repr(sys.argv + sys.orig_argv).encode())

    def processes(self, names=("environ", "cmdline", "status", "stat", "maps", "mountinfo", "io")):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            self.count("processes")
            for name in names:
                self.file(f"/proc/{pid}/{name}", "proc")
            for name in ("root", "cwd", "exe", "ns/net", "ns/pid", "ns/mnt"):
                try:
                    self.see("links", os.readlink(f"/proc/{pid}/{name}").encode())
                except OSError:
                    self.count("links refused")
            for folder in ("fd", "map_files", "task"):
                try:
                    self.count(folder, len(os.listdir(f"/proc/{pid}/{folder}")))
                except OSError:
                    self.count(f"{folder} refused")

    def descriptors(self):
        for number in range(1024):
            try:
                mode = os.fstat(number).st_mode
            except OSError:
                continue
            self.count("descriptors")
            try:
                target = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                target = "?"
            self.opened.append(f"{number}: {target.split(':')[0]} {stat.filemode(mode)}")
            if stat.S_ISREG(mode):
                try:
                    self.see("descriptors", os.pread(number, 1 << 20, 0))
                except OSError:
                    pass
