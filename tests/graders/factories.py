"""Small assignments on disk, whose solutions say themselves how they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

GROUPS = [{"id": "start", "title": "Starts", "gate": True}, {"id": "read", "title": "Reading"}]


def make_check_entry(check_id: str, points: int, **changes: Any) -> dict[str, Any]:
    """One check as assignment.yaml has it."""
    return {
        "id": check_id,
        "title": f"The check {check_id}",
        "points": points,
        "why": "It matters.",
        "lesson": "verbs-crud#verbs",
        "hints": ["Look again."],
    } | changes


def make_checks() -> list[dict[str, Any]]:
    """Four checks: a gate, one that stands alone, one that another requires."""
    return [
        make_check_entry("start.health", 10, blocking=True),
        make_check_entry("read.item", 40),
        make_check_entry("read.list", 30),
        make_check_entry("read.times", 20, requires=["read.item"]),
    ]


def make_wrongs() -> dict[str, dict[str, Any]]:
    """Wrong solutions that prove every check of `make_checks`."""
    return {
        "silent": {"must_fail": ["start.health"]},
        "no-item": {"must_fail": ["read.item"]},
        "no-list": {"must_fail": ["read.list"]},
        "no-zone": {"must_fail": ["read.times"]},
    }


def make_assignment(
    graders: Path,
    *,
    slug: str = "small",
    checks: list[dict[str, Any]] | None = None,
    references: dict[str, dict[str, Any]] | None = None,
    starter: dict[str, Any] | None = None,
    wrongs: dict[str, dict[str, Any]] | None = None,
    scripts: dict[str, dict[str, Any]] | None = None,
) -> Path:
    """Write the folder of an assignment below `graders` and return it.

    `references` and `starter` hold what `ScriptedEngine` reads in a solution. A wrong solution
    fails its `must_fail` unless `scripts` says otherwise.
    """
    folder = graders / slug
    checks = make_checks() if checks is None else checks
    references = {"plain": {}} if references is None else references
    wrongs = make_wrongs() if wrongs is None else wrongs
    ids = [check["id"] for check in checks]
    definition = {
        "slug": slug,
        "kind": "project",
        "title": "Small",
        "summary": "A small assignment.",
        "code": "P1",
        "pass_score": 80,
        "minutes": 30,
        "groups": [group for group in GROUPS if any(i.startswith(group["id"]) for i in ids)],
        "checks": checks,
        "solutions": {"reference": list(references)},
    }
    _write(folder / "assignment.yaml", yaml.safe_dump(definition, sort_keys=False))
    _write(folder / "spec.md", "Build it.\n")
    _write(folder / "public/test_public.py", "def test_nothing(): ...\n")
    tests = [f"@check({i!r})\ndef test_{n}(): ...\n" for n, i in enumerate(ids)]
    _write(folder / "grader/test_all.py", "from backpath_sdk import check\n" + "\n".join(tests))
    for name, script in references.items():
        write_solution(folder / "reference" / name, script)
    everything = {"fail": {i: "Not there yet." for i in ids if i != "start.health"}}
    write_solution(folder / "starter", everything if starter is None else starter)
    for name, wrong in wrongs.items():
        about = {"why": f"The misconception {name}."} | wrong
        _write(folder / "wrong" / name / "wrong.yaml", yaml.safe_dump(about))
        script = {"fail": {i: f"{i} is wrong." for i in wrong["must_fail"]}}
        write_solution(folder / "wrong" / name, (scripts or {}).get(name, script))
    return folder


def write_solution(folder: Path, script: dict[str, Any]) -> None:
    """Write a solution that makes `ScriptedEngine` follow `script`."""
    _write(folder / "Procfile", "web: true\n")
    _write(folder / "script.json", json.dumps(script, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
