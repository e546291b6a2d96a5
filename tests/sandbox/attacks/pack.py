"""The attacks as data: one folder each, read and checked before anything runs."""

from __future__ import annotations

import io
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from backpath.execution.bundle import bundle_from_files
from backpath.execution.outcome import CheckOutcome, RunStatus

HERE: Final = Path(__file__).resolve().parent
BASES: Final = HERE / "bases"
GRADERS: Final = HERE / "graders"
# Files that a tool on the host would run or obey by their mere presence (pytest takes up any
# conftest.py below its arguments) are kept under a name that none looks for.
DISARMED: Final = ".hostile"
ARMED_NAMES: Final = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        "pyproject.toml",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "sitecustomize.py",
        "usercustomize.py",
        "ruff.toml",
        "mypy.ini",
    }
)
# What an attack may wait for. Those whose `needs` are not here are skipped, with the reason.
LANDED = frozenset({"learner"})

Threat = Literal[
    "hidden-tests",
    "forged-results",
    "patched-runtime",
    "hooks-and-plugins",
    "kill-and-trace",
    "leftovers",
    "bombs",
    "endless-output",
    "sleep-and-sigterm",
    "archives",
    "followed-links",
    "code-while-preparing",
    "network",
    "secrets",
    "docker-socket",
    "kernel-surface",
    "escape-codes",
    "hostile-answers",
    "squatting",
]
"""The rows of the threat table in its order, but for the last: builds can be told apart only where
learners' own tests are graded, which neither kind of suite here does."""


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


type OneOrMore[T] = Annotated[list[T], BeforeValidator(_as_list), Field(min_length=1)]


class Strict(BaseModel):
    """A mapping of exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Strict):
    """What differs from the suite's own limits, in its units."""

    wall_seconds: float | None = Field(None, gt=0, le=30)
    check_seconds: float | None = Field(None, gt=0, le=10)
    ready_seconds: float | None = Field(None, gt=0, le=20)
    app_memory_mb: int | None = Field(None, ge=64, le=512)
    app_pids: int | None = Field(None, ge=8, le=256)
    app_cpus: float | None = Field(None, gt=0, le=1)


class Expected(Strict):
    """The honest end of a run.

    `checks` names every check of the suite, or some of them and `others`. Where two classes are
    equally honest, a list holds both. The score is one number, `score`, unless the attack leaves
    it to chance how much of its own service it breaks: then it is `at_most`. Each pattern of
    `shows` (a regular expression) must occur in what the learner sees: it proves that the attack
    was carried out, not merely survived. No pattern of `hides` may.
    """

    status: OneOrMore[RunStatus]
    verdict: OneOrMore[str]
    score: int | None = Field(None, ge=0, le=100)
    at_most: int | None = Field(None, ge=0, le=99)
    checks: dict[str, OneOrMore[CheckOutcome]]
    shows: list[str] = []
    hides: list[str] = []

    @model_validator(mode="after")
    def _one_score(self) -> Expected:
        if (self.score is None) == (self.at_most is None):
            raise ValueError("give the score, or the most that it may be")
        return self


class ExpectedArchive(Strict):
    """`refused` is the code of the refusal; without one the archive is taken, made harmless, and
    holds exactly `files`."""

    refused: str | None = None
    files: list[str] = []

    @model_validator(mode="after")
    def _one_of_both(self) -> ExpectedArchive:
        if (self.refused is None) == (not self.files):
            raise ValueError("give the code of the refusal, or the files of what is taken")
        return self


class _Manifest(Strict):
    title: str = Field(min_length=10, max_length=120)
    threat: Threat
    tries: str = Field(min_length=20)
    needs: str | None = None


class SubmissionManifest(_Manifest):
    """`attack.yaml` of a submission that is run."""

    kind: Literal["service", "module"]
    base: str | None = None
    """A folder of `bases/` whose files lie beneath the attack's own."""
    limits: Limits = Limits()
    expected: Expected


class ArchiveManifest(_Manifest):
    """`attack.yaml` of an archive that is only read; `build.py` beside it makes it."""

    kind: Literal["archive"]
    expected: ExpectedArchive


@dataclass(frozen=True)
class Attack:
    """One folder of the pack."""

    name: str
    folder: Path
    manifest: SubmissionManifest | ArchiveManifest

    @property
    def missing(self) -> str | None:
        """What the attack needs and is not there yet."""
        needs = self.manifest.needs
        return needs if needs and needs not in LANDED else None

    def submission_tar(self) -> bytes:
        """The files as an upload of them becomes: read, checked and written again."""
        assert isinstance(self.manifest, SubmissionManifest)
        files: dict[str, Path] = {}
        if self.manifest.base:
            files |= files_of(BASES / self.manifest.base)
        return tar_of(files | files_of(self.folder / "submission"))

    def archive(self) -> tuple[str, bytes]:
        """The name and the bytes of the upload that `build.py` makes."""
        build: Callable[[], tuple[str, bytes]] = runpy.run_path(str(self.folder / "build.py"))[
            "build"
        ]
        return build()


class BadPack(Exception):
    """A folder of the pack is not what it should be; the text says which and why."""


def files_of(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by the path it has in a submission. Raises BadPack."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        if is_armed(path):
            raise BadPack(f"{path}: keep it as {path.name}{DISARMED}, or tools here obey it")
        found[path.relative_to(folder).as_posix().removesuffix(DISARMED)] = path
    return found


def is_armed(path: Path) -> bool:
    """Whether a tool of the host would take the file up by its name."""
    name = path.name.lower()
    is_test = name.startswith("test_") and name.endswith(".py")
    return is_test or name in ARMED_NAMES or name.endswith((".pth", "_test.py"))


def tar_of(files: dict[str, Path]) -> bytes:
    """The clean tar that an upload of `files` becomes."""
    return bundle_from_files(
        (name, io.BytesIO(path.read_bytes())) for name, path in files.items()
    ).tar


def load_attack(folder: Path) -> Attack:
    """Read one folder. Raises BadPack."""
    try:
        raw: Any = yaml.safe_load((folder / "attack.yaml").read_text(encoding="utf-8"))
        kind = raw.get("kind") if isinstance(raw, dict) else None
        model = ArchiveManifest if kind == "archive" else SubmissionManifest
        attack = Attack(folder.name, folder, model.model_validate(raw))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise BadPack(f"{folder.name}: {error}") from None
    _check_files(attack)
    return attack


def _check_files(attack: Attack) -> None:
    manifest, folder = attack.manifest, attack.folder
    allowed = {"attack.yaml", "__pycache__"}
    if isinstance(manifest, ArchiveManifest):
        wanted = {"build.py"}
    else:
        wanted = {"submission"}
        if manifest.base and not (BASES / manifest.base).is_dir():
            raise BadPack(f"{attack.name}: there is no base {manifest.base!r}")
        files_of(folder / "submission")
    present = {path.name for path in folder.iterdir()}
    if missing := wanted - present:
        raise BadPack(f"{attack.name}: {', '.join(missing)} is missing")
    if unknown := present - wanted - allowed:
        raise BadPack(f"{attack.name}: nothing knows what {', '.join(sorted(unknown))} is for")


def load_attacks(here: Path = HERE) -> list[Attack]:
    """Read the whole pack, in the order of its numbers. Raises BadPack."""
    folders = [path for path in here.glob("[0-9]*-*") if path.is_dir()]
    folders.sort(key=lambda path: (int(path.name.split("-")[0]), path.name))
    attacks = [load_attack(path) for path in folders]
    numbers = [attack.name.split("-")[0] for attack in attacks]
    if doubled := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise BadPack(f"two attacks have the number {', '.join(doubled)}")
    return attacks
