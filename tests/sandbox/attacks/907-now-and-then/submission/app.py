import os
import socket
import struct

import server


COUNT = []


class Attack(server.Broken):
    def answer(self):
        COUNT.append(1)
        if len(COUNT) % 2:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            os._exit(0)
        super().answer()


server.serve(Attack)
