import time

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        for byte in b"HTTP/1.1 200 OK" + b" " * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)


server.serve(Attack)
