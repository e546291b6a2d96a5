"""What learner code finds around itself, and what it cannot reach."""

from __future__ import annotations

import json

import pytest

from backpath.execution.docker_engine import SandboxSettings
from backpath.execution.outcome import CheckStarted
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import LIMITS, make_app, make_grader, make_manifest, make_request

pytestmark = pytest.mark.docker

# Runs inside the app container, as learner code; its findings travel as a response body.
PROBE = """
    import pathlib, resource, socket, struct
    def read(path):
        try:
            return pathlib.Path(path).read_text()
        except OSError as error:
            return f"refused: {error.strerror}"
    def attempt(action):
        try:
            action()
        except OSError as error:
            return error.strerror
        return "worked"
    processes = [p for p in os.listdir("/proc") if p.isdigit()]
    self.reply(200, {
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "routes": read("/proc/net/route").splitlines()[1:],
        "routes6": [line.split()[-1] for line in read("/proc/net/ipv6_route").splitlines()],
        "uid": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
        "status": {
            line.split(":")[0]: line.split(":")[1].strip()
            for line in read("/proc/self/status").splitlines()
            if line.startswith(("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp:"))
        },
        "environment": sorted(os.environ),
        "write": {path: attempt(lambda: open(path + "/x", "w").close())
                  for path in ("/", "/etc", "/opt/backpath/agent", "/opt/backpath/venv", "/tmp")},
        "exec_in_tmp": attempt(lambda: (pathlib.Path("/tmp/run").write_text("#!/bin/sh\\n"),
                                        os.chmod("/tmp/run", 0o755), os.execv("/tmp/run", ["x"]))),
        "limits": {name: resource.getrlimit(getattr(resource, name))
                   for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE")},
        "shared_memory": os.path.isdir("/dev/shm"),
        "docker_socket": os.path.exists("/var/run/docker.sock"),
        "commands": [read(f"/proc/{pid}/cmdline").replace("\\0", " ").strip() for pid in processes],
        "agent_memory": attempt(lambda: open("/proc/1/mem", "rb").close()),
        "agent_files": attempt(lambda: os.listdir("/proc/1/fd")),
        "unix_sockets": [line.split()[-1] for line in read("/proc/net/unix").splitlines()[1:]],
        "grader_files": [path for path in ("/grader", "/opt/backpath/runner")
                         if os.path.exists(path)],
    })
"""
GRADER = make_grader(
    """
    @check("look.around")
    def test_around(service):
        fail(service.get("/probe").expect_status(200).text)
    """
)


@pytest.fixture(scope="module")
def found(engine):
    outcome = engine.run(
        make_request(
            app=make_app(PROBE),
            grader=GRADER,
            manifest=make_manifest(["look.around"]),
            job_id="test-probe",
        ),
        on_event=[].append,
        should_stop=lambda: False,
    )
    assert outcome.status == "completed", outcome.detail
    return json.loads(by_id(outcome)["look.around"].message)


def test_there_is_no_network_but_loopback(found):
    assert found["interfaces"] == ["lo"]
    assert found["routes"] == []
    assert set(found["routes6"]) <= {"lo"}


def test_the_code_has_no_privilege_and_can_gain_none(found):
    assert found["uid"] == [10002, 10002, 10002, []] or found["uid"] == [
        10002,
        10002,
        10002,
        [10002],
    ]
    status = found["status"]
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_the_environment_holds_what_the_spec_names_and_no_more(found):
    assert found["environment"] == [
        "DATA_DIR",
        "HOME",
        "HOST",
        "LANG",
        "PATH",
        "PORT",
        "PWD",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "SECRET_KEY",
        "TZ",
        "VIRTUAL_ENV",
    ]


def test_only_its_own_tmpfs_can_be_written_and_nothing_there_executed(found):
    assert found["write"] == {
        "/": "Read-only file system",
        "/etc": "Read-only file system",
        "/opt/backpath/agent": "Read-only file system",
        "/opt/backpath/venv": "Read-only file system",
        "/tmp": "worked",
    }
    assert found["exec_in_tmp"] == "Permission denied"


def test_limits_are_set(found):
    assert found["limits"] == {
        "RLIMIT_NOFILE": [1024, 1024],
        "RLIMIT_FSIZE": [128 << 20, 128 << 20],
        "RLIMIT_CORE": [0, 0],
    }
    assert found["shared_memory"] is False


def test_the_host_the_runner_and_the_agent_are_out_of_reach(found):
    assert found["docker_socket"] is False
    assert found["grader_files"] == []
    assert not any("pytest" in command or "runner" in command for command in found["commands"])
    assert found["agent_memory"] == "Permission denied"
    assert found["agent_files"] == "Permission denied"


def test_there_is_no_socket_that_leads_out_of_the_container(found):
    """The runner comes by the container's own standard streams and by nothing else."""
    assert not [name for name in found["unix_sockets"] if name.startswith(("@", "/"))]


def test_containers_are_created_from_the_fixed_template(engine, docker_client, job_id):
    """What Docker was told is looked at from outside, while a job runs."""
    seen = {}

    def look(event):
        if isinstance(event, CheckStarted) and not seen:
            for container in docker_client.containers.list(
                filters={"label": f"backpath.owner={engine.settings.owner}"}
            ):
                seen[container.labels["backpath.role"]] = container.attrs

    engine.run(
        make_request(
            app=make_app(),
            grader=make_grader("@check('a.one')\ndef test_one(service):\n    pass"),
            manifest=make_manifest(["a.one"]),
            job_id=job_id,
        ),
        on_event=look,
        should_stop=lambda: False,
    )

    assert set(seen) == {"app", "runner"}
    for role, attrs in seen.items():
        host, config = attrs["HostConfig"], attrs["Config"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Privileged"] is False
        assert host["Binds"] in (None, [])
        assert host["PidMode"] == ""
        assert host["IpcMode"] == "none"
        assert host["LogConfig"]["Type"] == "none"
        assert host["Memory"] == host["MemorySwap"] > 0
        assert host["PidsLimit"] > 0
        assert host["NanoCpus"] > 0
        assert all(
            "noexec" in options and "nr_inodes=" in options for options in host["Tmpfs"].values()
        )
        assert config["Env"] == [
            entry
            for entry in config["Env"]
            if entry.startswith(("PATH=", "LANG=", "PYTHON", "GPG"))
        ]
        program = "agent" if role == "app" else "runner"
        assert config["Cmd"][-1] == f"/opt/backpath/{program}/main.py"
        assert host["NetworkMode"] == "none"
        assert config["Hostname"] == role
    assert seen["app"]["Config"]["User"] == "10002:10002"
    assert seen["runner"]["Config"]["User"] == "10001:10001"
    assert seen["app"]["HostConfig"]["Memory"] == LIMITS["app_memory_mb"] << 20
    assert seen["runner"]["HostConfig"]["Memory"] == SandboxSettings().runner_memory_mb << 20


def test_an_assignment_cannot_ask_for_more_than_the_operator_allows(engine, docker_client, job_id):
    memory = []

    def look(event):
        if isinstance(event, CheckStarted):
            found = docker_client.containers.list(
                filters={"label": [f"backpath.job={job_id}", "backpath.role=app"]}
            )
            memory.extend(container.attrs["HostConfig"]["Memory"] for container in found)

    engine.run(
        make_request(
            app=make_app(),
            grader=make_grader("@check('a.one')\ndef test_one(service):\n    pass"),
            manifest=make_manifest(["a.one"], limits={"app_memory_mb": 1 << 20}),
            job_id=job_id,
        ),
        on_event=look,
        should_stop=lambda: False,
    )

    assert memory == [SandboxSettings().max_app_memory_mb << 20]
