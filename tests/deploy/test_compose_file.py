"""What the compose file promises, read from the file; prove_compose.sh proves it by running it."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SITE = ("setup", "web", "worker", "sweeper")
LASTING = ("web", "worker", "sweeper", "postgres", "redis")
SECRET_FILES = {
    "secret_key",
    "database_url",
    "redis_url",
    "email_url",
    "postgres_password",
    "redis_conf",
    "redis_password",
}


def test_only_the_worker_holds_the_docker_socket() -> None:
    holders = [name for name, one in SERVICES.items() if "docker.sock" in str(one["volumes"])]
    assert holders == ["worker"]
    assert "ports" not in SERVICES["worker"]
    assert SERVICES["worker"]["networks"] == ["inside"]


def test_only_the_web_listens_and_by_default_to_this_host() -> None:
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["web"]
    assert SERVICES["web"]["ports"] == ["${BACKPATH_BIND:-127.0.0.1}:${BACKPATH_PORT:-8000}:8000"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", SITE)
def test_the_sites_processes_are_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    is_worker = name == "worker"
    assert service.get("user") == ("0:0" if is_worker else None)
    assert service.get("cap_add") == (["SETUID", "SETGID"] if is_worker else None)


def test_the_image_does_not_run_as_root() -> None:
    recipe = (ROOT / "deploy/Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", recipe, re.MULTILINE) == ["10000:10000"]


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_set_up_runs_once_and_before_the_others() -> None:
    assert SERVICES["setup"]["restart"] == "no"
    for name in ("web", "worker", "sweeper"):
        condition = SERVICES[name]["depends_on"]["setup"]["condition"]
        assert condition == "service_completed_successfully"


def test_everything_worth_keeping_is_on_a_named_volume() -> None:
    assert set(COMPOSE["volumes"]) == {"data", "postgres", "redis"}
    for name in SITE:
        assert "data:/data" in SERVICES[name]["volumes"]
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql/data"]
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_secrets_come_from_files_and_from_nowhere_else() -> None:
    assert set(COMPOSE["secrets"]) == SECRET_FILES
    folder = "${BACKPATH_SECRETS_DIR:-./deploy/secrets}"
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"{folder}/{name}"}
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|_URL", variable):
                assert variable.endswith("_FILE")
                assert str(value).startswith("/run/secrets/")
    ignored = subprocess.run(
        ["git", "check-ignore", "deploy/secrets/secret_key", ".env"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    assert ignored == ["deploy/secrets/secret_key", ".env"]


def test_names_are_asked_for_and_images_can_be_chosen() -> None:
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"].startswith("${ALLOWED_HOSTS:?Say ")
    for service in SERVICES.values():
        assert re.fullmatch(r"\$\{BACKPATH_[A-Z_]*IMAGE:-[a-z/]+:[a-z0-9]+\}", service["image"])


def test_every_variable_of_the_file_is_shown_in_the_example() -> None:
    files = [TEXT, *(path.read_text() for path in (ROOT / "deploy").glob("compose.*.yml"))]
    used = set(re.findall(r"\$\{([A-Z_]+)", "".join(files)))
    shown = set(
        re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )
    # Where files of this machine lie is for tests and unusual hosts; the manual names them.
    elsewhere = {"BACKPATH_ENV_FILE", "BACKPATH_SECRETS_DIR", "DOCKER_SOCKET"}
    assert used - shown == elsewhere
    manual = (ROOT / "docs/operating.md").read_text()
    assert all(f"`{name}`" in manual for name in used | shown)


def make_secrets(folder: Path) -> str:
    return subprocess.run(
        [ROOT / "deploy/make-secrets", folder], check=True, capture_output=True, text=True
    ).stdout


def test_secrets_are_random_closed_and_never_overwritten(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    make_secrets(first)
    make_secrets(second)
    held = {path.name: path.read_text().strip() for path in first.iterdir()}
    assert set(held) == SECRET_FILES
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    for name in ("secret_key", "postgres_password", "redis_password"):
        assert re.fullmatch("[A-Za-z0-9]{40,64}", held[name])
        assert held[name] != (second / name).read_text().strip()
    assert len(held["secret_key"]) >= 50
    assert (
        held["database_url"]
        == f"postgres://backpath:{held['postgres_password']}@postgres:5432/backpath"
    )
    assert held["redis_url"] == f"redis://:{held['redis_password']}@redis:6379/0"
    assert held["redis_conf"] == f"requirepass {held['redis_password']}"
    (first / "email_url").chmod(0o644)
    (first / "email_url").write_text("smtp://mail.example.org\n")
    assert make_secrets(first).count("is kept") == len(SECRET_FILES)
    assert (first / "email_url").read_text() == "smtp://mail.example.org\n"
    assert (first / "secret_key").read_text().strip() == held["secret_key"]
