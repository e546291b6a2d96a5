import probe
import server


class Attack(server.Broken):
    def answer(self):
        if self.path.startswith("/echo"):
            looked = probe.Probe()
            import os, socket
            for port in range(1, 20000):
                with socket.socket() as knock:
                    knock.settimeout(0.3)
                    if knock.connect_ex(("127.0.0.1", port)) == 0 and knock.getsockname()[1] != port != int(os.environ["PORT"]):
                        looked.count("ports")
                        try:
                            knock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                            looked.see("heard", knock.recv(65536))
                        except OSError:
                            pass
                looked.count("knocks")
            for line in open("/proc/net/unix").read().splitlines()[1:]:
                looked.see("names", line.encode())
                name = line.split()[-1]
                if name.startswith("@"):
                    with socket.socket(socket.AF_UNIX) as knock:
                        knock.settimeout(0.5)
                        try:
                            knock.connect("\0" + name[1:])
                            knock.sendall(b"\x01\x00\x00\x00\x14" + b'{"command":"status"}')
                            looked.see("heard", knock.recv(65536))
                        except OSError:
                            looked.count("refused")
            for family, kind, number in ((17, 3, 768), (2, 3, 6), (2, 3, 255), (16, 3, 0), (40, 1, 0)):
                try:
                    with socket.socket(family, kind, number) as raw:
                        raw.settimeout(0.2)
                        looked.count(f"family {family}")
                        looked.see("heard", raw.recv(65536))
                except OSError:
                    looked.count("raw refused")
            print(looked.report(), flush=True)
            return self.reply(200, looked.report())
        self.reply(200, {})


server.serve(Attack)
