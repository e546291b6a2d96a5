"""Everything that touches the database, once more on a real PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import postgres_server

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "catalog", "config", "core", "grading", "learning")


@pytest.mark.postgres
def test_the_apps_pass_on_postgresql() -> None:
    folders = [f"tests/{app}" for app in APPS if (ROOT / "tests" / app).is_dir()]
    with postgres_server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "not docker and not browser", *folders],
            cwd=ROOT,
            env=os.environ | {"BACKPATH_TEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
