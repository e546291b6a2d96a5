"""Reports made of rows that are not in a database: what presentation needs, no more."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backpath.grading.models import CheckResult, GradingJob, Report

NOW = datetime(2026, 11, 20, 18, 42, tzinfo=UTC)
GROUPS = (
    {"id": "start", "title": "Starts and answers", "gate": True},
    {"id": "read", "title": "Reading articles"},
    {"id": "patch", "title": "Changing articles"},
)
# id, points, and what of a check's definition is not the default.
CHECKS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("start.boots", 10, {"blocking": True}),
    ("start.health", 10, {"blocking": True}),
    ("read.collection", 20, {}),
    ("read.item", 20, {}),
    ("patch.keeps", 15, {"blocking": True}),
    ("patch.twice", 10, {"requires": ["patch.keeps"]}),
    ("patch.null", 10, {"requires": ["patch.twice"]}),
    ("patch.secret", 5, {"hidden": True}),
)


def make_definition(**changes: Any) -> dict[str, Any]:
    """A definition as a report keeps it; `changes` replace its keys."""
    checks = [
        {
            "id": name,
            "title": f"Title of {name}",
            "points": points,
            "blocking": False,
            "requires": [],
            "hidden": False,
            "why": f"Why {name} matters to `clients`.",
            "lesson": "put-vs-patch#patch",
            "hints": [f"First hint of {name}", "Second hint", "Third hint"],
            **extra,
        }
        for name, points, extra in CHECKS
    ]
    definition: dict[str, Any] = {
        "groups": list(GROUPS),
        "checks": checks,
        "pass_score": 80,
        "limits": {"wall_seconds": 120, "app_memory_mb": 512},
    }
    return definition | changes


def make_exchange(**changes: Any) -> dict[str, Any]:
    return {
        "curl": "curl -i -X PATCH http://localhost:8000/articles/7",
        "method": "PATCH",
        "path": "/articles/7",
        "status": 200,
        "response_headers": {"content-type": "application/json", "server": "waitress"},
        "response_body": '{"id": 7, "body": null}',
        "elapsed_ms": 14,
        "error": None,
        **changes,
    }


def make_results(
    outcomes: Mapping[str, str] | None = None, **fields: Mapping[str, Any]
) -> list[CheckResult]:
    """All checks passed but those in `outcomes`; `fields` maps a check's id, with its dot as
    an underscore, to further fields."""
    outcomes = outcomes or {}
    unknown = set(outcomes) - {name for name, _, _ in CHECKS}
    assert not unknown, unknown
    results = []
    for position, (name, points, _) in enumerate(CHECKS, 1):
        outcome = outcomes.get(name, "passed")
        results.append(
            CheckResult(
                position=position,
                check_id=name,
                group=name.partition(".")[0],
                title=f"Title of {name}",
                outcome=outcome,
                points=points if outcome == "passed" else 0,
                max_points=points,
                **{"duration_ms": 10 * position, **fields.get(name.replace(".", "_"), {})},
            )
        )
    return results


def make_report(results: list[CheckResult], **fields: Any) -> Report:
    """A report over `results`; its verdict is `failed` unless given."""
    job = GradingJob(requested_at=NOW, claimed_at=NOW + timedelta(seconds=22))
    values: dict[str, Any] = {
        "verdict": "failed",
        "score": sum(result.points for result in results),
        "max_score": sum(result.max_points for result in results),
        "seed": 4417,
        "grader_hash": "a" * 64,
        "timings": {"sandbox": 1.25, "app_start": 0.8, "checks": 11.8, "total": 14.0},
        "definition": make_definition(),
        "app_log_tail": "",
        **fields,
    }
    return Report(job=job, **values)
