import server


class Attack(server.Broken):
    def answer(self):
        word = self.path.rsplit("/", 1)[-1]
        value = {"word": [word], "Word": word, "sum": True, "secret": True, "word ": word}
        if self.path.startswith("/numbers"):
            value = [False, True, 2.0000000000000001, "3", *range(4, 40)]
        self.reply(200, value)


server.serve(Attack)
