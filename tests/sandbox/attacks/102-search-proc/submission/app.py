import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            looked.processes()
            looked.tree("/proc/self/net", "proc")
            looked.tree("/proc/sys/kernel", "proc")
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
