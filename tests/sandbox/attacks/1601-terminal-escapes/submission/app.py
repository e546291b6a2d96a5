import os

import server



class Attack(server.Broken):
    def answer(self):
        text = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil\x07click\x1b]8;;\x07\x08\x08\u202egnp.exe\u2066\x00\x9b31m"
        print(text, flush=True)
        os.write(2, text.encode() + b"\xff\xfe\x80\r\n\x1bP+q544e\x1b\\")
        body = text.encode() + b"ESCAPED"
        self.raw(b"HTTP/1.1 500 \x1b[31mBad\r\nX-Note: \x1b]0;title\x07\xc2\x9b\r\nX-Tab: a\tb\r\nContent-Length: %d\r\n\r\n"
                 % len(body) + body)


server.serve(Attack)
