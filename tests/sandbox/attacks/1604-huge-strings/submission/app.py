import server


class Attack(server.Broken):
    def answer(self):
        print("L" * 3_000_000, flush=True)
        long = "W" * 300_000
        self.reply(200, {"word": long, long[:1000]: {long[:1001]: long}}, [("X-Long", "H" * 20_000)])


server.serve(Attack)
