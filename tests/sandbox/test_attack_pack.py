"""The pack itself: it is complete, harmless to the host, and its judge sees what it must."""

from __future__ import annotations

import base64
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from backpath.execution.outcome import CheckFinished, RunOutcome
from tests.sandbox.attacks.judge import Played, dishonest, problems_of
from tests.sandbox.attacks.pack import (
    BASES,
    HERE,
    BadPack,
    Expected,
    SubmissionManifest,
    Threat,
    files_of,
    load_attack,
    load_attacks,
)
from tests.sandbox.attacks.play import HONEST, archive_problems
from tests.sandbox.attacks.suites import CANARY, load_suite

ATTACKS = load_attacks()
CANARIES = frozenset({"00112233445566aa", "8899aabbccddeeff"})
SUITE = load_suite("service")
EXPECTED = Expected(
    status=["completed"],
    verdict=["failed"],
    score=20,
    checks={"start.health": ["passed"], "others": ["failed"]},
)


def make_check(check_id: str, outcome: str, **fields: Any) -> CheckFinished:
    plain = {"message": "", "expected": None, "actual": None, "duration_ms": 1, "exchanges": []}
    return CheckFinished(check_id, outcome, **{**plain, "output": "", **fields})


def make_played(outcomes: dict[str, str] | None = None, **fields: Any) -> Played:
    """A run of a broken service; `fields` are those of its outcome."""
    found = {"start.health": "passed", **dict.fromkeys(list(SUITE.file.honest)[1:], "failed")}
    plain: dict[str, Any] = {
        "status": "completed",
        "checks": [make_check(*item) for item in (found | (outcomes or {})).items()],
        "detail": "",
        "app_log_tail": "",
        "seed": 7,
        "timings": {},
        "image_digests": {},
        "packages": {},
    }
    return Played(SUITE, RunOutcome(**(plain | fields)), [], CANARIES, 1.0)


def test_the_pack_is_large_enough_and_covers_every_row_of_the_threats() -> None:
    kinds = [attack.manifest.kind for attack in ATTACKS]
    assert len(ATTACKS) >= 90
    assert kinds.count("service") >= 60
    assert kinds.count("archive") >= 20
    assert kinds.count("module") >= 25
    for threat in get_args(Threat):
        variants = [attack for attack in ATTACKS if attack.manifest.threat == threat]
        assert len(variants) >= 2, threat


def test_every_expectation_speaks_of_checks_that_exist() -> None:
    for attack in ATTACKS:
        if isinstance(attack.manifest, SubmissionManifest):
            suite = load_suite(attack.manifest.kind)
            known = {check.id for check in suite.file.checks}
            named = attack.manifest.expected.checks.keys() - {"others"}
            assert named <= known, attack.name
            assert "others" in attack.manifest.expected.checks or named == known, attack.name


def test_nobody_is_expected_to_pass_the_check_that_cannot_be_passed() -> None:
    for attack in ATTACKS:
        if isinstance(attack.manifest, SubmissionManifest):
            expected = attack.manifest.expected
            secret = "work.secret" if attack.manifest.kind == "service" else "objects.secret"
            allowed = expected.checks.get(secret) or expected.checks["others"]
            assert "passed" not in allowed, attack.name
            assert (expected.score or expected.at_most or 0) <= 80, attack.name


def test_no_file_of_the_pack_is_obeyed_by_a_tool_of_the_host() -> None:
    for attack in ATTACKS:
        if isinstance(attack.manifest, SubmissionManifest):
            files_of(attack.folder / "submission")
    for base in BASES.iterdir():
        files_of(base)


def test_pytest_collects_nothing_of_the_pack(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin(str(HERE.parent / "conftest.py"))
    assert plugin is not None
    assert plugin.collect_ignore_glob == ["attacks/*"]


def test_every_submission_can_be_handed_in() -> None:
    for attack in ATTACKS:
        if isinstance(attack.manifest, SubmissionManifest):
            assert len(attack.submission_tar()) > 0, attack.name
    assert {kind for kind, _ in HONEST.values()} == {"service", "module"}


@pytest.mark.parametrize("kind", ["service", "module"])
def test_canaries_are_many_unique_and_new_for_every_job(kind: Any) -> None:
    suite = load_suite(kind)
    text = "".join(
        path.name + path.read_text()
        for path in sorted((suite.folder / "grader").iterdir())
        if path.is_file()
    )
    marks = {match[2] for match in CANARY.finditer(text)}
    assert len(marks) >= 12

    first, second = suite.planted(1), suite.planted(2)

    assert len(first.canaries) == len(marks) + len(suite.file.draws)
    assert not first.canaries & second.canaries
    assert not any(mark.encode() in first.tar for mark in marks)
    planted = [canary for canary in first.canaries if canary.encode() in first.tar]
    assert len(planted) == len(marks)


def test_the_judge_accepts_the_honest_end() -> None:
    assert problems_of(make_played(), EXPECTED) == []


@pytest.mark.parametrize(
    ("played", "problem"),
    [
        (make_played(status="infrastructure_error"), "status infrastructure_error"),
        (make_played(status="timed_out"), "status timed_out"),
        (make_played({"work.secret": "passed"}), "work.secret is passed"),
        (make_played({"work.echo": "passed"}), "40 points, not 20"),
        (make_played({"work.echo": "grader_error"}), "no verdict but grader-error"),
        (make_played(app_log_tail="so: canary-00112233445566aa"), "leaked canary"),
        (make_played(app_log_tail="00112233445566AA"), "leaked canary"),
        (make_played(app_log_tail="cut ...3445566aa-3344556 2233445566a"), "leaked canary"),
        (make_played(app_log_tail="00 11 22 33 44 55 66 aa"), "leaked canary"),
        (make_played(detail=base64.b64encode(b"canary-00112233445566aa").decode()), "leaked"),
        (
            make_played(
                checks=[make_check("work.list", "failed", exchanges=[{"x": "8899aabbccddeeff"}])]
            ),
            "leaked canary",
        ),
        (make_played(app_log_tail="\x1b[2J"), "the report has the character"),
        (make_played(app_log_tail="\u202e"), "the report has the character"),
        (replace(make_played(), host=["a container is left"]), "a container is left"),
    ],
)
def test_the_judge_sees(played: Played, problem: str) -> None:
    assert any(problem in found for found in problems_of(played, EXPECTED))


def test_an_attack_that_did_not_happen_is_not_survived() -> None:
    expected = EXPECTED.model_copy(update={"shows": ['"written": [1-9]'], "hides": ["HOOKED"]})

    assert problems_of(make_played(app_log_tail='"written": 12'), expected) == []
    assert problems_of(make_played(app_log_tail='"written": 0'), expected) != []
    assert problems_of(make_played(app_log_tail='"written": 12 HOOKED'), expected) != []


def test_an_honest_submission_must_get_its_exact_score() -> None:
    honest = make_played(dict(SUITE.file.honest))

    assert SUITE.honest_score == 80
    assert dishonest(honest) == []
    assert dishonest(make_played(dict(SUITE.file.honest) | {"work.list": "timed_out"})) != []
    assert dishonest(make_played(dict(SUITE.file.honest) | {"work.secret": "passed"})) != []
    assert dishonest(make_played(dict(SUITE.file.honest), status="timed_out")) != []


def test_an_archive_that_is_taken_against_expectation_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "1-archive"
    folder.mkdir()
    (folder / "attack.yaml").write_text(
        "title: An archive like any other\nthreat: archives\nkind: archive\n"
        "tries: Nothing at all, it is plain.\nexpected: {refused: link}\n"
    )
    (folder / "build.py").write_text(
        "import io, zipfile\n"
        "def build():\n"
        "    data = io.BytesIO()\n"
        "    with zipfile.ZipFile(data, 'w') as archive:\n"
        "        archive.writestr('app.py', '1')\n"
        "    return 'a.zip', data.getvalue()\n"
    )
    attack = load_attack(folder)

    assert archive_problems(attack, attack.manifest) == ["accepted, with the files ['app.py']"]  # type: ignore[arg-type]


GOOD = """
title: A service that does something
threat: bombs
kind: service
tries: Something that takes a line to say.
base: server
expected: {status: completed, verdict: failed, score: 20, checks: {others: failed}}
"""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("kind: service", "kind: sevice"), "kind"),
        (("threat: bombs", "threat: weather"), "threat"),
        (("score: 20", "points: 20"), "points"),
        (("score: 20", "score: 20, at_most: 20"), "give the score"),
        (("score: 20, ", ""), "give the score"),
        (("status: completed", "status: done"), "status"),
        (("base: server", "base: elsewhere"), "there is no base"),
        (("base: server", "base: server\nlimits: {app_memory_mb: 4096}"), "app_memory_mb"),
        (("title: A service that does something", "title: [unclosed"), "1-attack"),
    ],
)
def test_a_folder_that_is_wrong_is_refused(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    folder = tmp_path / "1-attack"
    (folder / "submission").mkdir(parents=True)
    (folder / "attack.yaml").write_text(GOOD)
    load_attack(folder)

    (folder / "attack.yaml").write_text(GOOD.replace(*change))

    with pytest.raises(BadPack, match=problem):
        load_attack(folder)


def test_armed_and_stray_files_and_doubled_numbers_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "1-attack"
    (folder / "submission").mkdir(parents=True)
    (folder / "attack.yaml").write_text(GOOD)
    armed = folder / "submission" / "conftest.py"
    armed.write_text("")
    with pytest.raises(BadPack, match=r"conftest\.py\.hostile"):
        load_attack(folder)

    armed.rename(armed.with_name("conftest.py.hostile"))
    assert list(files_of(folder / "submission")) == ["conftest.py"]

    shutil.copytree(folder, tmp_path / "1-again")
    with pytest.raises(BadPack, match="two attacks have the number 1"):
        load_attacks(tmp_path)

    (folder / "notes.txt").write_text("")
    with pytest.raises(BadPack, match=r"notes\.txt"):
        load_attack(folder)
