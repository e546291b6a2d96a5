import os
import socket

import server



class Attack(server.Broken):
    def answer(self):
        os.unlink("Procfile")
        if self.path.startswith("/echo"):
            os.mkdir("Procfile")
        elif self.path.startswith("/numbers"):
            socket.socket(socket.AF_UNIX).bind("Procfile")
        else:
            os.close(os.open("Procfile", os.O_CREAT, 0))
        self.reply(200, {"gone": True})
        self.wfile.flush()
        os._exit(0)


server.serve(Attack)
