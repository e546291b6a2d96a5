import os
import socket
import struct

import server


COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        parts = (b"", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 200 OK\r\n\r\n{}")
        self.wfile.write(parts[COUNT[0] % 4])
        COUNT[0] += 1
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


server.serve(Attack)
