import server

EVIL = ("<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% debug %}{0.__class__}"
        "%s%n${jndi:ldap://x}](javascript:alert(1))</textarea></pre><svg onload=alert(1)>")
print(EVIL, flush=True)


class Attack(server.Broken):
    def answer(self):
        self.reply(500, {EVIL: EVIL, "word": EVIL}, [("X-Evil", EVIL.replace("\n", " "))])


server.serve(Attack)
