"""The long run itself: it finds what only coverage leads to, keeps it, and can repeat it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.benchmarks import fuzz as benchmark
from tests.fuzz import guided
from tests.fuzz.guided import Branches, Crash, Guided

# Three steps of one byte each: blind chance would need 2**24 inputs.
LOCK = """
def unlock(key):
    if key[0:1] == b"k":
        if key[1:2] == b"e":
            if key[2:3] == b"y":
                raise LookupError("the door is open")
"""


@pytest.fixture
def unlock(tmp_path: Path):
    """A function of bytes, in a file below `tmp_path`, that breaks for one key in 2**24."""
    path = tmp_path / "lock.py"
    path.write_text(LOCK)
    scope: dict = {}
    exec(compile(LOCK, str(path), "exec"), scope)  # our own text, above
    return scope["unlock"]


def make_guided(run_one, branches: Branches, folder: Path) -> Guided:
    return Guided("test_lock", run_one, folder, Random("a seed"), branches)


def test_coverage_leads_to_what_chance_does_not_find(unlock, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    with Branches([tmp_path]) as branches:
        run = make_guided(unlock, branches, corpus)
        while not run.crashes and run.executions < 200_000:
            run.step()

    (crash,) = run.crashes
    assert crash.buffer.startswith(b"key")
    assert crash.place.startswith("LookupError at ")
    assert "the door is open" in crash.report
    assert branches.count == 6
    assert len(list(corpus.iterdir())) == run.corpus_size >= 3


def test_a_crash_is_kept_once(tmp_path: Path) -> None:
    def always(buffer: bytes) -> None:
        raise ValueError(len(buffer))

    with Branches([tmp_path]) as branches:
        run = make_guided(always, branches, tmp_path)
        for _ in range(20):
            run.step()

    assert run.executions == 20
    assert len(run.crashes) == 1


def test_a_saved_crash_is_repeated_until_it_is_mended(
    unlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    doors = [unlock]
    monkeypatch.setattr(benchmark, "TARGETS", {"locks": ([], [], 1)})
    monkeypatch.setattr(benchmark, "tests_of", lambda _: [("test_lock", doors[0])])
    crash = Crash("test_lock", b"keyhole", "LookupError at lock.py:6", "Traceback")
    path = benchmark.save_crash(crash, tmp_path / "crashes")

    assert json.loads(path.read_text())["test"] == "test_lock"
    with pytest.raises(LookupError):
        benchmark.replay(path)
    doors[0] = lambda _: None
    assert benchmark.replay(path) == 0
    assert "holds now" in capsys.readouterr().out


@pytest.mark.parametrize(("is_open", "code"), [(True, 1), (False, 0)], ids=["crash", "clean"])
def test_the_exit_code_says_whether_a_promise_broke(
    is_open: bool,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def door(buffer: bytes) -> None:
        if is_open:
            raise LookupError("the door is open")

    monkeypatch.setattr(benchmark, "TARGETS", {"locks": ([], [tmp_path], 300)})
    monkeypatch.setattr(benchmark, "tests_of", lambda _: [("test_lock", door)])

    assert benchmark.main(["--seconds", "20", "--crashes", str(tmp_path / "found")]) == code

    said = capsys.readouterr().out
    assert "locks: " in said
    assert "distinct outcomes" in said
    assert ("--replay" in said) is is_open
    assert len(list(tmp_path.glob("found/*.json"))) == code


@pytest.mark.parametrize("target", benchmark.TARGETS)
def test_every_target_has_its_tests(target: str) -> None:
    names = [name for name, _ in benchmark.tests_of(target)]

    assert len(names) == len(set(names)) >= 4


def test_places_are_of_this_repository() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        place = guided.place_of(error)

    assert place.startswith("JSONDecodeError at test_guided.py:")
