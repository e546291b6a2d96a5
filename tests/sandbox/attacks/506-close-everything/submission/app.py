import os
import socket

import server



class Attack(server.Broken):
    def answer(self):
        for number in range(1024):
            try:
                socket.socket(fileno=os.dup(number)).shutdown(2)
            except OSError:
                pass
        os.closerange(0, 1024)
        os.setsid()
        os._exit(1)


server.serve(Attack)
