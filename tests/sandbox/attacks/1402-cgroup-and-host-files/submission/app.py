import os
import stat

import server



class Attack(server.Broken):
    def answer(self):
        if not self.path.startswith("/echo"):
            return super().answer()
        written = []
        targets = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
                   "/sys/kernel/uevent_helper", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/pid_max",
                   "/proc/sys/fs/binfmt_misc/register", "/sys/power/state", "/proc/sys/kernel/hostname",
                   "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/irq/0/smp_affinity", "/dev/kmsg",
                   "/proc/acpi/call", "/proc/scsi/scsi", "/proc/timer_list", "/etc/passwd", "/etc/hosts",
                   "/etc/resolv.conf", "/etc/hostname"]
        for folder, _, files in os.walk("/sys/fs/cgroup"):
            targets += [os.path.join(folder, name) for name in files]
        for path in targets:
            try:
                descriptor = os.open(path, os.O_WRONLY)
            except OSError:
                continue
            if not stat.S_ISCHR(os.fstat(descriptor).st_mode):  # what is masked is /dev/null
                written.append(path)
            os.close(descriptor)
        self.reply(200, {"tried": len(targets), "written": written})


server.serve(Attack)
