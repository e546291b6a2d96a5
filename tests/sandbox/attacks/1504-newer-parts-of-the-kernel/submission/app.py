import ctypes
import errno
import socket

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        libc = ctypes.CDLL(None, use_errno=True)
        worked = []
        for name, call in {"io_uring_setup": (425, 8, b"\0" * 120), "io_uring_register": (427, 0, 0, 0, 0),
                           "pidfd_getfd": (438, 0, 0, 0)}.items():
            ctypes.set_errno(0)
            if libc.syscall(*call) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
                worked.append(name)
        for family in (38, 40, 41, 42, 44, 45):  # crypto, vsock, kcm, qipcrtr, xdp, mctp
            try:
                socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_DGRAM).close()
                worked.append(family)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT, errno.EINVAL,
                                       errno.ESOCKTNOSUPPORT, errno.EPROTONOSUPPORT):
                    worked.append(family)
        self.reply(200, {"worked": worked})


server.serve(Attack)
