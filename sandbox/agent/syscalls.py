"""System calls that a learner's process goes without, beyond what the Engine's profile refuses.

The agent runs under the learner's user, for without a capability nobody can change users. The
kernel lets a user set the limits and the priority of its own processes, PID 1 among them, which
would let learner code starve or end the agent. And profiles of older Engines allow `io_uring`
and sockets that network namespaces do not hold back. A seccomp filter of the child's own, set
after the fork, closes both; it needs no privilege, is inherited, and cannot be taken off again.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
AF_VSOCK = 40
# A call of the x32 interface, which has numbers of its own for everything.
X32_BIT = 0x40000000
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16

# (audit architecture, numbers by name); from the kernel's own tables.
TABLES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "bpf": 321,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "io_uring_setup": 425,
            "ioprio_set": 251,
            "kcmp": 312,
            "perf_event_open": 298,
            "prlimit64": 302,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "ptrace": 101,
            "sched_setaffinity": 203,
            "sched_setattr": 314,
            "sched_setparam": 142,
            "sched_setscheduler": 144,
            "setpriority": 141,
            "socket": 41,
            "userfaultfd": 323,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "bpf": 280,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "io_uring_setup": 425,
            "ioprio_set": 30,
            "kcmp": 272,
            "perf_event_open": 241,
            "prlimit64": 261,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "ptrace": 117,
            "sched_setaffinity": 122,
            "sched_setattr": 274,
            "sched_setparam": 118,
            "sched_setscheduler": 119,
            "setpriority": 140,
            "socket": 198,
            "userfaultfd": 282,
        },
    ),
}
REFUSED = (
    "bpf",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "kcmp",
    "perf_event_open",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "userfaultfd",
)
# Which argument names a process; 0 is the caller itself.
ONLY_ON_ITSELF = {
    "ioprio_set": 1,
    "prlimit64": 0,
    "sched_setaffinity": 0,
    "sched_setattr": 0,
    "sched_setparam": 0,
    "sched_setscheduler": 0,
    "setpriority": 1,
}
Instruction = tuple[int, int, int, int]


def program(machine: str) -> list[Instruction]:
    """Return the filter for `machine` as BPF instructions (code, jump if true, if false, value).

    Raises KeyError for a machine whose numbers are not known.
    """
    architecture, numbers = TABLES[machine]
    found: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, REFUSE),
    ]
    for name in REFUSED:
        found += [(EQUAL, 0, 1, numbers[name]), (RETURN, 0, 0, REFUSE)]
    for name, argument in ONLY_ON_ITSELF.items():
        found += _unless_argument_is(numbers[name], argument, 0)
    found += [
        (EQUAL, 0, 4, numbers["socket"]),
        (LOAD, 0, 0, ARGUMENTS_AT),
        (EQUAL, 0, 1, AF_VSOCK),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER_AT),
        (RETURN, 0, 0, ALLOW),
    ]
    return found


def _unless_argument_is(number: int, argument: int, value: int) -> list[Instruction]:
    """Refuse the call `number` unless the low half of an argument is `value`."""
    return [
        (EQUAL, 0, 4, number),
        (LOAD, 0, 0, ARGUMENTS_AT + 8 * argument),
        (EQUAL, 1, 0, value),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER_AT),
    ]


def give_up() -> None:
    """Put the filter on this process and all that come from it. Raises OSError.

    On a machine whose numbers are not known the Engine's profile stands alone.
    """
    if platform.machine() not in TABLES:
        return
    instructions = program(platform.machine())
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(code)
    # struct sock_fprog: an unsigned short, padding, a pointer.
    header = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    fprog = ctypes.create_string_buffer(header)
    address = ctypes.c_void_p(ctypes.addressof(fprog))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
