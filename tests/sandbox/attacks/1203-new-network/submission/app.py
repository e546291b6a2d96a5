import ctypes
import fcntl
import os
import socket
import struct

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        worked = []
        def attempt(name, action):
            try:
                if action() not in (-1,):
                    worked.append(name)
            except (OSError, ValueError):
                pass
        libc = ctypes.CDLL(None, use_errno=True)
        attempt("unshare net", lambda: libc.unshare(0x40000000))
        attempt("unshare user and net", lambda: libc.unshare(0x10000000 | 0x40000000))
        attempt("tun", lambda: os.open("/dev/net/tun", os.O_RDWR))
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if pid != str(os.getpid()):
                attempt(f"setns {pid}", lambda: libc.setns(os.open(f"/proc/{pid}/ns/net", 0), 0))
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            for request in (0x8914, 0x8916, 0x890B, 0x89A0, 0x8924):
                attempt(f"ioctl {request:x}", lambda: fcntl.ioctl(s, request, b"eth0" + bytes(60)))
        for name in ("net/ipv4/ip_forward", "net/ipv4/ping_group_range", "net/core/somaxconn"):
            attempt(name, lambda: open(f"/proc/sys/{name}", "w").close())
        try:
            with socket.socket(16, 3, 0) as netlink:
                message = struct.pack("IHHII", 32, 16, 0x605, 1, 0) + struct.pack("BBHiII", 0, 0, 0, 0, 1, 1)
                netlink.send(message)
                answer = netlink.recv(4096)
                if struct.unpack_from("i", answer, 16)[0] == 0:
                    worked.append("new link")
        except OSError:
            pass
        self.reply(200, {"worked": worked})


server.serve(Attack)
