import socket

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        reached, opened = [], 0
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for cid in (0, 1, 2, 3, 0xFFFFFFFF):
                for port in (22, 80, 1024, 2375, 5000, 9999):
                    try:
                        with socket.socket(40, kind) as guest:
                            opened += 1
                            guest.settimeout(0.2)
                            guest.connect((cid, port))
                            reached.append([cid, port])
                    except OSError:
                        pass
        self.reply(200, {"reached": reached, "tried": opened})


server.serve(Attack)
