import os

import server


class Attack(server.Broken):
    def health(self):
        super().health()
        self.wfile.flush()
        self.connection.shutdown(2)
        os._exit(7)


server.serve(Attack)
