import os
import socket

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        kept = []
        while True:
            try:
                descriptor = os.memfd_create("x")
                os.write(descriptor, bytes(8 << 20))
                kept.append(descriptor)
                one, other = socket.socketpair()
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
                kept += [one, other]
                while one.send(bytes(1 << 16)):
                    pass
            except BlockingIOError:
                pass
            except OSError:
                kept.append(bytearray(b"x" * (8 << 20)))


server.serve(Attack)
