import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backpath.cli import doctor
from backpath.cli.doctor import Verdict
from tests.cli.factories import make_command, make_environment

INFO = {"MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True, "SwapLimit": True}
VERSION = {"Version": "28.0.1", "ApiVersion": "1.48"}


def run_doctor(tmp_path: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        make_command("doctor"),
        env=make_environment(tmp_path / "data", **extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_missing_docker_is_named_with_its_remedy(tmp_path: Path) -> None:
    done = run_doctor(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert re.search(r"✗ +Docker Engine +No Docker Engine answers at DOCKER_HOST", done.stdout)
    assert "Not ready yet: Docker Engine, Grading images." in done.stdout
    assert not (tmp_path / "data").exists(), "doctor only looks"


def test_a_database_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    done = run_doctor(tmp_path, DATABASE_URL="postgres://u:secret@127.0.0.1:9/backpath")
    assert done.returncode == 1
    assert "127.0.0.1:9 of DATABASE_URL does not answer" in done.stdout
    assert "secret" not in done.stdout


@pytest.mark.docker
def test_a_ready_machine_is_ready(tmp_path: Path) -> None:
    done = run_doctor(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Everything that ./dev up needs is here." in done.stdout


@pytest.mark.parametrize(
    ("info", "version", "verdicts"),
    [
        (INFO, VERSION, [Verdict.FINE, Verdict.FINE]),
        (INFO | {"SwapLimit": False}, VERSION, [Verdict.FINE, Verdict.NOTICE]),
        (INFO | {"PidsLimit": False}, VERSION, [Verdict.FINE, Verdict.MISSING]),
        (INFO, VERSION | {"ApiVersion": "1.39"}, [Verdict.MISSING]),
    ],
)
def test_an_engine_that_cannot_hold_the_limits_is_not_good_enough(
    info: dict[str, Any], version: dict[str, str], verdicts: list[Verdict]
) -> None:
    findings = list(doctor._engine(info, version))
    assert [finding.verdict for finding in findings] == verdicts
    assert all(finding.remedy for finding in findings if finding.verdict is not Verdict.FINE)
