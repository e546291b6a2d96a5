import server


TARGETS = ["file:///grader/test_service.py", "http://127.0.0.1:1/steal", "http://169.254.169.254/",
           "unix:///var/run/docker.sock", "gopher://127.0.0.1:6379/_x", "/echo/again", "//evil.test/"]
COUNT = [0]


class Attack(server.Broken):
    def answer(self):
        target = TARGETS[COUNT[0] % len(TARGETS)]
        COUNT[0] += 1
        self.reply((301, 302, 303, 307, 308)[COUNT[0] % 5], {}, [("Location", target), ("Refresh", "0; url=" + target)])


server.serve(Attack)
