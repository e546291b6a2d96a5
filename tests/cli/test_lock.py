import tomllib
from typing import Any

import pytest

from backpath.cli import lock
from backpath.cli.lock import LOCKS, inputs_hash, stale
from backpath.cli.paths import REPOSITORY

RUNTIME = next(one for one in LOCKS if one.name == "runtime")
DEV = next(one for one in LOCKS if one.name == "dev")


def make_project(*, runtime: list[str], dev: list[str]) -> dict[str, Any]:
    return {"project": {"dependencies": runtime}, "dependency-groups": {"dev": dev}}


PROJECT = make_project(runtime=["django>=6", "rich>=14"], dev=["pytest>=9"])


def make_lock_text(body: str = "django==6.1 \\\n    --hash=sha256:00\n") -> str:
    content = lock._short(body.encode())
    return f"# Made by ./dev lock: inputs={inputs_hash(RUNTIME, PROJECT)} content={content}\n{body}"


def test_a_lock_of_what_is_asked_for_is_trusted() -> None:
    assert stale(RUNTIME, make_lock_text(), PROJECT) == ""


def test_the_order_of_the_requirements_does_not_matter() -> None:
    shuffled = make_project(runtime=["rich>=14", "django>=6"], dev=["pytest>=9"])
    assert stale(RUNTIME, make_lock_text(), shuffled) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (make_lock_text().replace("6.1", "6.2"), "was changed by hand"),
        (make_lock_text() + "evil==1.0\n", "was changed by hand"),
        ("django==6.1\n", "does not say what it was made from"),
    ],
)
def test_a_changed_lock_is_found(text: str, reason: str) -> None:
    assert stale(RUNTIME, text, PROJECT) == reason


def test_a_new_requirement_makes_the_lock_old() -> None:
    newer = make_project(runtime=["django>=6", "rich>=14", "httpx>=0.28"], dev=["pytest>=9"])
    assert stale(RUNTIME, make_lock_text(), newer) == "is older than what pyproject.toml asks for"


def test_a_lock_depends_on_the_one_that_constrains_it() -> None:
    newer = make_project(runtime=["django>=7"], dev=["pytest>=9"])
    assert inputs_hash(DEV, PROJECT) != inputs_hash(DEV, newer)


def test_the_locks_of_this_repository_are_up_to_date() -> None:
    assert lock.check() == []


def test_every_package_is_pinned_by_hash_and_names_no_address() -> None:
    for one in LOCKS:
        text = one.path.read_text(encoding="utf-8")
        assert "://" not in text, f"{one.path.name} names an address"
        blocks = [block for block in text.split("\n") if block and block[0] not in "# "]
        assert blocks
        assert all("==" in line for line in blocks)
        assert text.count("--hash=sha256:") >= len(blocks)


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"]]
    for group in project["dependency-groups"].values():
        wanted += group
    assert [one for one in wanted if ">=" not in one] == []
