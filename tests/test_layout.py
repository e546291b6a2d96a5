"""Rules of the repository that no other tool checks."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "platform/backpath/config/settings.py"
OPERATING = ROOT / "docs/operating.md"
MODULE_LINES = 450


def tracked_files() -> list[Path]:
    """Everything git knows and that still exists."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def tracked_text() -> Iterator[tuple[str, str]]:
    """The name and text of every tracked file that is text."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def imported_packages(path: Path) -> set[str]:
    """The top-level packages that a Python file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def python_files(folder: str) -> list[Path]:
    """The tracked Python files of one of the repository's top folders."""
    return [
        path
        for path in tracked_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] == folder
    ]


def test_the_source_root_is_no_package() -> None:
    """A `platform` package would shadow the standard library's module of that name."""
    assert (ROOT / "platform/backpath/__init__.py").is_file()
    assert not (ROOT / "platform/__init__.py").exists()


def test_no_machine_and_no_registry_is_named() -> None:
    """A path of one machine helps nobody else; addresses of registries are the reader's own.

    The pattern is put together here, or it would find itself.
    """
    hosts = ["pypi" + r"\.org", "python" + r"hosted\.", "deb" + r"\.debian", "registry" + r"\.npm"]
    folders = ["/" + "work/", "/" + r"root/\.pyenv", "/" + r"home/\w+/", "bash" + "_jobs"]
    pattern = re.compile("|".join([*hosts, *folders]))
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_text()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_platform_and_sandbox_share_no_code() -> None:
    """The folder boundary is the trust boundary; the contract between them is a schema."""
    inside = {path.name for path in (ROOT / "sandbox").iterdir() if path.is_dir()} | {
        "backpath_sdk"
    }
    for path in python_files("platform"):
        assert not imported_packages(path) & inside, path
    for path in python_files("sandbox"):
        assert "backpath" not in imported_packages(path), path


def test_modules_stay_readable() -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("platform", "sandbox", "tools")
        for path in python_files(folder)
        if "migrations" not in path.parts
    }
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES} == {}


def settings_variables() -> set[str]:
    """The environment variables that settings and the command line read."""
    text = SETTINGS.read_text(encoding="utf-8")
    found = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', text))
    found |= set(re.findall(r'_folder\("([A-Z][A-Z0-9_]+)"', text))
    for path in python_files("platform"):
        found |= set(
            re.findall(
                r'environ(?:ment)?(?:\.get\(|\[)\s*"(BACKPATH_[A-Z0-9_]+)"',
                path.read_text(encoding="utf-8"),
            )
        )
    return found


def test_settings_variables_are_found() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "BACKPATH_DATA_DIR"} <= settings_variables()


def test_every_setting_is_explained_to_operators() -> None:
    explained = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", OPERATING.read_text(encoding="utf-8")))
    assert settings_variables() - explained == set()


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o100
    lines = [line for line in script.read_text().splitlines() if line and line[0] != "#"]
    assert lines == ["set -e", 'cd "$(dirname "$0")/.."', "./dev test"]


def test_the_licence_is_the_one_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_decisions_are_numbered_and_listed() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(decisions) + 1))
    index = (ROOT / "docs/adr/README.md").read_text()
    for path in decisions:
        title = path.read_text().splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(": ")
        assert number == path.name[:4]
        assert f"| [{number}]({path.name}) | {words}" in index


@pytest.mark.parametrize(
    "document",
    [
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    ],
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (path.parent / target.split("#")[0]).exists(), f"{document} -> {target}"
