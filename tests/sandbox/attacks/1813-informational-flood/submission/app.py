import time

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        while True:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 50
                             + b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.01)


server.serve(Attack)
