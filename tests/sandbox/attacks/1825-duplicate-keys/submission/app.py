import server



class Attack(server.Broken):
    def answer(self):
        body = b'{' + b'"word": "wrong", ' * 10_000 + '"w\u043erd": 1, "sum": 0, "sum": 1, "": 0, "word": null}'.encode()
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


server.serve(Attack)
