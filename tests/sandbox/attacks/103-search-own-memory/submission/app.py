import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            looked.memory()
            looked.objects()
            looked.frames()
            looked.environment()
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
