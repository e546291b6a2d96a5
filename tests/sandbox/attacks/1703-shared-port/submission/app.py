import os
import threading

import server

PORT = int(os.environ["PORT"])


class Sharing(server.Server):
    allow_reuse_port = True


if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for offset in range(1, 80):
            try:
                other = Sharing(("127.0.0.1", PORT + offset), server.Honest)
            except (OSError, OverflowError):
                continue
            threading.Thread(target=other.serve_forever).start()
        threading.Event().wait()
    os._exit(0)
Sharing(("127.0.0.1", PORT), server.Broken).serve_forever()
