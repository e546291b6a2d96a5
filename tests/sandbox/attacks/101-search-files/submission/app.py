import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            looked.tree("/", skip=("/proc", "/sys", "/opt/backpath/venv/lib"))
            looked.tree("/opt/backpath/venv/lib/python3.13/site-packages/_pytest")
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
