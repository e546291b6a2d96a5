import server


class Attack(server.Broken):
    def answer(self):
        evil = "\x1b[2J\u202e\u2066\x00\ud800\u200b\ufeff\u2028" + "\u0301" * 2000 + "ESCAPED"
        self.reply(200, {"word": evil, evil: evil, "sum": evil, "secret": evil})


server.serve(Attack)
