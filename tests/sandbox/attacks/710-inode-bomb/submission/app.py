import os

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        made, refused = 0, set()
        for top in (os.getcwd(), os.environ["DATA_DIR"], "/tmp"):
            for number in range(60_000):
                try:
                    if number % 3:
                        os.symlink("/etc/passwd", f"{top}/{number}")
                    else:
                        os.close(os.open(f"{top}/{number}", os.O_CREAT))
                    made += 1
                except OSError as error:
                    refused.add(error.strerror)
                    break
        self.reply(200, {"made": made, "refused": sorted(refused)})


server.serve(Attack)
