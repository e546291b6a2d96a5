import os
import select
import socket
import time

import server


KEPT, REFUSED = [], set()


class Attack(server.Broken):
    def answer(self):
        if not KEPT:
            makers = (os.pipe, lambda: os.open("/dev/null", 0), socket.socketpair, select.epoll,
                      lambda: os.eventfd(0), lambda: os.memfd_create("x"))
            for maker in makers:
                for _ in range(150):
                    try:
                        KEPT.append(maker())
                    except OSError as error:
                        REFUSED.add(error.strerror)
                        break
            for _ in range(20):
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
            os.closerange(200, 1024)
        self.reply(200, {"kept": len(KEPT), "refused": sorted(REFUSED)})


server.serve(Attack)
