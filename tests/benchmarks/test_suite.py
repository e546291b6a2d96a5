"""The suites do the same work, and the benchmark's own assignment is valid."""

import ast
import re
from pathlib import Path

import pytest

from backpath.cli.unified_diff import apply_patch
from tests.benchmarks.sides import tar_of
from tests.benchmarks.site import points_in
from tests.benchmarks.suite import CHECKS, FOLDER, make_job, write_content, write_project

SUITES = ("grader", "bare", "inprocess")


def requests_of(suite: str) -> dict[str, list[str]]:
    """What each test of a suite sends, in order: the verb and the path's source."""
    text = (FOLDER / suite / "test_checks.py").read_text().replace("service", "client")
    tests = {}
    for function in ast.parse(text).body:
        if isinstance(function, ast.FunctionDef) and function.name != "client":
            source = ast.unparse(function)
            found = re.findall(r"client\.(\w+)\((f?'[^']*')|(store)\(client\)$", source, re.M)
            tests[function.name] = [" ".join(filter(None, one)) for one in found]
    return tests


@pytest.mark.parametrize("suite", SUITES[1:])
def test_all_suites_send_the_same_requests(suite: str) -> None:
    assert requests_of(suite) == requests_of("grader")


def test_ten_checks_and_about_fifteen_requests() -> None:
    tests = requests_of("grader")
    own = tests.pop("store")
    assert len(tests) == CHECKS
    sent = [own if one == "store" else [one] for requests in tests.values() for one in requests]
    assert sum(map(len, sent)) == 15


def test_the_assignment_is_valid_and_whole(tmp_path: Path) -> None:
    content = write_content(tmp_path)
    job = make_job()
    assert [check["id"] for check in job.manifest["checks"]] == re.findall(
        r'@check\("(.+)"\)', (FOLDER / "grader" / "test_checks.py").read_text()
    )
    assert len(job.manifest["groups"]) == 1
    app = {path.name: path.read_bytes() for path in (FOLDER / "app").iterdir() if path.is_file()}
    patch = (content.assignment / "wrong/keeps-nothing/change.patch").read_text()
    assert apply_patch(app, patch)["main.py"] != app["main.py"]


@pytest.mark.parametrize("suite", ["bare", "inprocess"])
def test_a_project_holds_the_app_and_one_suite(tmp_path: Path, suite: str) -> None:
    project = write_project(tmp_path / "project", suite)
    assert sorted(path.name for path in project.iterdir()) == ["main.py", "test_checks.py"]


def test_files_are_packed_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("1")
    assert b"one.py" in tar_of(tmp_path / "one.py")


def test_points_are_read_from_the_reports_page() -> None:
    assert points_in('<span class="vh">90 points of 100</span>') == (90, 100)
    assert points_in("<p>nothing</p>") is None
