import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            import importlib, sys
            sys.path[:0] = ["/opt/backpath", "/opt/backpath/runner", "/opt/backpath/agent", "/grader"]
            for name in ("agent.main", "agent.service", "agent.control", "wire.frames", "runner.main",
                         "backpath_sdk", "backpath_sdk.plugin", "test_service", "conftest"):
                try:
                    module = importlib.import_module(name)
                except BaseException as error:
                    looked.count(f"no {name}")
                else:
                    looked.count("imported")
                    looked.see("modules", repr(vars(module)).encode("utf-8", "replace"))
            looked.objects()
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
