import socket

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        reached = []
        def attempt(name, action):
            try:
                action()
                reached.append(name)
            except (OSError, ValueError):
                pass
        for address in ("8.8.8.8", "1.1.1.1", "169.254.169.254", "172.17.0.1", "10.0.0.1", "192.168.0.1",
                        "100.100.100.200", "255.255.255.255", "224.0.0.1"):
            for port in (53, 80, 443, 2375):
                def tcp():
                    with socket.socket() as s:
                        s.settimeout(0.2)
                        s.connect((address, port))
                def udp():
                    with socket.socket(type=socket.SOCK_DGRAM) as s:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                        s.sendto(b"out", (address, port))
                attempt(f"tcp {address} {port}", tcp)
                attempt(f"udp {address} {port}", udp)
        for address in ("2001:4860:4860::8888", "fe80::1", "fd00:ec2::254", "ff02::1"):
            def six():
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                    s.sendto(b"out", (address, 53))
            attempt(f"udp {address}", six)
        for name in ("example.com", "metadata.google.internal", "host.docker.internal", "redis", "postgres"):
            attempt(f"name {name}", lambda: socket.getaddrinfo(name, 80))
        for family, kind, number in ((2, 3, 1), (10, 3, 58), (17, 3, 0x300), (2, 3, 255)):
            attempt(f"raw {family} {number}", lambda: socket.socket(family, kind, number).close())
        interfaces = sorted(name for _, name in socket.if_nameindex())
        self.reply(200, {"reached": reached, "interfaces": interfaces})


server.serve(Attack)
