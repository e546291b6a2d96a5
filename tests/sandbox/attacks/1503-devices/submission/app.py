import os
import stat

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        opened = []
        for number, (major, minor) in enumerate(((8, 0), (1, 1), (1, 2), (1, 4), (4, 0), (10, 200), (253, 0))):
            for kind in (stat.S_IFBLK, stat.S_IFCHR):
                try:
                    os.mknod(f"/tmp/device-{number}-{kind}", kind | 0o666, os.makedev(major, minor))
                    opened.append(["made", major, minor])
                except OSError:
                    pass
        for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/sda", "/dev/vda", "/dev/kmsg", "/dev/fuse",
                     "/dev/kvm", "/dev/net/tun", "/proc/kcore", "/proc/kmsg", "/proc/kallsyms",
                     "/proc/sched_debug", "/proc/timer_stats", "/sys/firmware/efi", "/sys/kernel/debug",
                     "/dev/input/event0", "/dev/loop-control", "/dev/mapper/control", "/dev/vsock"):
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            if os.path.isdir(path):
                if os.listdir(path):
                    opened.append(path)
            else:
                try:
                    data = os.read(descriptor, 4096)
                    if data.strip(b"0 \n") and not data.startswith(b"0000000000000000"):
                        opened.append(path)
                except OSError:
                    pass
            os.close(descriptor)
        self.reply(200, {"opened": opened})


server.serve(Attack)
