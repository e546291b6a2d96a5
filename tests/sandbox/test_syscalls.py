"""The filter on a learner's system calls: as a program, on this machine, and in the sandbox."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import traceback

import pytest

from agent import syscalls
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import make_app, make_grader

DENIED = "Operation not permitted"


def interpret(machine: str, *, number: int, arguments: tuple[int, ...] = (), arch: int = 0) -> int:
    """Run the filter as the kernel would and return its word."""
    instructions = syscalls.program(machine)
    words = {syscalls.NUMBER_AT: number, syscalls.ARCHITECTURE_AT: arch}
    for position in range(6):
        value = arguments[position] if position < len(arguments) else 0
        words[syscalls.ARGUMENTS_AT + 8 * position] = value
    at = loaded = 0
    while True:
        code, if_true, if_false, value = instructions[at]
        at += 1
        if code == syscalls.LOAD:
            loaded = words[value]
        elif code == syscalls.EQUAL:
            at += if_true if loaded == value else if_false
        elif code == syscalls.AT_LEAST:
            at += if_true if loaded >= value else if_false
        else:
            assert code == syscalls.RETURN
            return value


@pytest.mark.parametrize("machine", sorted(syscalls.TABLES))
def test_the_program_refuses_what_it_should_and_nothing_else(machine):
    arch, numbers = syscalls.TABLES[machine]

    def word(name: str, *arguments: int) -> int:
        return interpret(machine, number=numbers[name], arguments=arguments, arch=arch)

    assert {word(name) for name in syscalls.REFUSED} == {syscalls.REFUSE}
    for name, argument in syscalls.ONLY_ON_ITSELF.items():
        on = [7] * 6
        assert word(name, *on) == syscalls.REFUSE
        on[argument] = 0
        assert word(name, *on) == syscalls.ALLOW
    assert word("socket", syscalls.AF_VSOCK) == syscalls.REFUSE
    assert word("socket", 2) == syscalls.ALLOW
    for number in set(range(450)) - set(numbers.values()):
        assert interpret(machine, number=number, arch=arch) == syscalls.ALLOW
    assert interpret(machine, number=0, arch=arch + 1) == syscalls.REFUSE
    assert interpret(machine, number=syscalls.X32_BIT, arch=arch) == syscalls.REFUSE


@pytest.mark.skipif(platform.machine() not in syscalls.TABLES, reason="no numbers for it")
def test_the_kernel_takes_the_filter_and_children_keep_it():
    """In a forked child, for it cannot be taken off again."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            syscalls.give_up()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.nice(0)
            for attempt in (
                lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0)),
                lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 10),
                lambda: os.sched_setaffinity(os.getppid(), {0}),
            ):
                try:
                    attempt()
                except PermissionError:
                    continue
                os._exit(3)  # it was let through
            inherited = os.spawnv(
                os.P_WAIT,
                sys.executable,
                [sys.executable, "-c", "import os; os.setpriority(os.PRIO_PROCESS, 1, 10)"],
            )
            code = 0 if inherited else 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.docker
def test_learner_code_can_neither_starve_nor_end_the_agent(run):
    app = make_app(
        """
        import resource, socket
        def attempt(action):
            try:
                action()
            except OSError as error:
                return error.strerror
            return "worked"
        self.reply(200, {
            "cpu": attempt(lambda: resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))),
            "memory": attempt(lambda: resource.prlimit(1, resource.RLIMIT_AS, (1, 1))),
            "priority": attempt(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)),
            "affinity": attempt(lambda: os.sched_setaffinity(1, {0})),
            "scheduler": attempt(
                lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))),
            "vsock": attempt(lambda: socket.socket(40, socket.SOCK_STREAM).close()),
            "own": attempt(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))),
        })
        """
    )
    grader = make_grader(
        "@check('a.one')\ndef test_one(service):\n    fail(service.get('/try').text)"
    )

    outcome = run(app, grader, ["a.one"])

    assert outcome.status == "completed", outcome.detail
    assert json.loads(by_id(outcome)["a.one"].message) == {
        "cpu": DENIED,
        "memory": DENIED,
        "priority": DENIED,
        "affinity": DENIED,
        "scheduler": DENIED,
        "vsock": DENIED,
        "own": "worked",
    }
