"""How the containers' processes are started, and how they are asked whether they work."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import call_command

from backpath.grading.clock import database_now
from backpath.grading.models import GraderHeartbeat

ROOT = Path(__file__).resolve().parents[2]
START = ROOT / "deploy/bin/start"


def load_healthcheck() -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", ROOT / "deploy/bin/healthcheck.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def healthcheck() -> ModuleType:
    return load_healthcheck()


@pytest.fixture
def site() -> Iterator[tuple[int, list[str]]]:
    """A server that is ready for one name only; its port, and the names it was asked by."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Host']}")
            is_known = self.headers["Host"] == "learn.example.org"
            self.send_response(200 if is_known else 503)
            self.end_headers()
            self.wfile.write(b"2 migrations are not applied.")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


def test_the_web_is_asked_by_a_name_it_accepts(
    healthcheck: ModuleType, site: tuple[int, list[str]]
) -> None:
    port, asked = site
    assert healthcheck.web({"ALLOWED_HOSTS": "*, .learn.example.org,b"}, port=port) == ""
    assert healthcheck.web({}, port=port) == "503: 2 migrations are not applied."
    assert asked == ["/readyz learn.example.org", "/readyz localhost"]


def test_a_web_that_does_not_answer_is_not_healthy(healthcheck: ModuleType) -> None:
    assert healthcheck.web({}, port=1).startswith("no answer: ")


@pytest.mark.django_db
def test_a_worker_is_healthy_while_its_own_heartbeat_is(healthcheck: ModuleType) -> None:
    assert healthcheck.worker("host1") == "no sign of life"
    beat = GraderHeartbeat.objects.create(
        worker="celery@host1", queues=["projects"], is_ok=True, seen_at=database_now()
    )
    assert healthcheck.worker("host1") == ""
    assert healthcheck.worker("host2") == "no sign of life"
    GraderHeartbeat.objects.filter(pk=beat.pk).update(
        is_ok=False, message="No image.", remedy="Build it."
    )
    assert healthcheck.worker("host1") == "No image. Build it."


def test_a_sweeper_is_healthy_while_it_sweeps(healthcheck: ModuleType, tmp_path: Path) -> None:
    swept = tmp_path / "swept"
    assert healthcheck.sweeper(swept) == "not yet swept"
    swept.touch()
    assert healthcheck.sweeper(swept) == ""
    long_ago = time.time() - 300
    os.utime(swept, (long_ago, long_ago))
    assert healthcheck.sweeper(swept) == "last swept 300 s ago"


@pytest.mark.django_db
def test_the_sweeper_leaves_a_trace_of_each_sweep(tmp_path: Path) -> None:
    swept = tmp_path / "swept"
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    def stop_once_swept() -> None:
        deadline = time.monotonic() + 20
        while not swept.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_once_swept, daemon=True).start()
    try:
        call_command("run_sweeper", touch=swept)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert swept.exists()


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the start script with a `celery` and a `python` that only say how they were called."""
    return subprocess.run(
        ["/bin/sh", START, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path) -> str:
    for name in ("celery", "python", "uvicorn", "setpriv"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["setup"], "python -P -m backpath.cli.site_setup"),
        (["sweeper"], "python platform/manage.py run_sweeper --touch /tmp/swept"),
        (["manage", "check", "--deploy"], "python platform/manage.py check --deploy"),
    ],
)
def test_each_role_becomes_its_program(programs: str, arguments: list[str], called: str) -> None:
    assert start(*arguments, PATH=programs).stdout.strip() == called


def test_the_web_listens_on_its_port_and_believes_proxies_by_name_only(programs: str) -> None:
    called = start("web", PATH=programs).stdout
    assert called.startswith("uvicorn backpath.config.asgi:application --host 0.0.0.0 --port 8000")
    assert "--forwarded-allow-ips" not in called


@pytest.mark.parametrize("arguments", [[], ["shell"]])
def test_anything_else_is_refused_with_what_there_is(arguments: list[str]) -> None:
    done = start(*arguments)
    assert done.returncode == 2
    assert "setup, web, worker, sweeper" in done.stderr


@pytest.mark.compose
def test_the_compose_file_works() -> None:
    done = subprocess.run(
        [ROOT / "tests/deploy/prove_compose.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
