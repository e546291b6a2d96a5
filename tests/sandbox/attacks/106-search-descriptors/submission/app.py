import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            import ctypes, os
            looked.descriptors()
            libc = ctypes.CDLL(None, use_errno=True)
            for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
                for number in range(16):
                    try:
                        os.close(os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK))
                        looked.count(f"fd of {'self' if pid == os.getpid() else 'another'}")
                    except OSError:
                        looked.count("refused")
                handle = libc.syscall(434, pid, 0)
                if handle >= 0:
                    looked.count("taken", sum(libc.syscall(438, handle, n, 0) >= 0 for n in range(16)
                                              if pid != os.getpid()))
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
