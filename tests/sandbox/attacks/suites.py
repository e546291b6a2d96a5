"""The hidden suites of the pack, and the canaries in them.

Each suite is strewn with marks of the shape `canary-0123456789abcdef` (in a name, with an
underscore). For every job each of them becomes a new one, so that a find also tells whose it
is, and nothing that an earlier job gave away helps a later one.
"""

from __future__ import annotations

import random
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import ConfigDict, Field

from backpath.execution.outcome import CheckOutcome
from tests.sandbox.attacks.pack import GRADERS, BadPack, Strict
from tests.sandbox.factories import make_tar

CANARY: Final = re.compile(r"(canary[-_])([0-9a-f]{16})")
# A stretch of this many digits is taken for a piece of a canary wherever it turns up.
PIECE: Final = 10


class SuiteCheck(Strict):
    """A check as assignment.yaml has it."""

    id: str
    title: str
    points: int
    hidden: bool = False
    blocking: bool = False
    requires: list[str] = []


class SuiteGroup(Strict):
    """A group as assignment.yaml has it."""

    id: str
    gate: bool = False


class SuiteFile(Strict):
    """`suite.yaml`. `draws` are the checks that expect a canary made of the first 64 bits of
    their `rng`. `manifest` is what else the engine must be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pass_score: int
    groups: list[SuiteGroup]
    checks: list[SuiteCheck]
    limits: dict[str, float]
    draws: list[str] = []
    honest: dict[str, CheckOutcome] = Field(min_length=1)
    manifest: dict[str, Any] = {}


@dataclass(frozen=True)
class Suite:
    """One hidden suite."""

    kind: str
    folder: Path
    file: SuiteFile

    @property
    def definition(self) -> dict[str, Any]:
        """What the platform scores by."""
        return {
            "pass_score": self.file.pass_score,
            "checks": [check.model_dump() for check in self.file.checks],
        }

    @property
    def honest_score(self) -> int:
        """What a correct submission gets; never everything, for one check cannot be passed."""
        points = {check.id: check.points for check in self.file.checks}
        return sum(
            points[name] for name, outcome in self.file.honest.items() if outcome == "passed"
        )

    def engine_manifest(self, limits: dict[str, float]) -> dict[str, Any]:
        """What the engine is told; `limits` come before the suite's own."""
        return {
            "groups": [group.model_dump() for group in self.file.groups],
            "checks": [
                check.model_dump(include={"id", "hidden", "blocking", "requires"})
                for check in self.file.checks
            ],
            "limits": self.file.limits | limits,
            **self.file.manifest,
        }

    def planted(self, seed: int) -> Planted:
        """The suite's tar with new canaries, and the canaries."""
        new: dict[str, str] = {}

        def replace(match: re.Match[str]) -> str:
            return match[1] + new.setdefault(match[2], secrets.token_hex(8))

        files: dict[str, str | bytes] = {}
        root = self.folder / "grader"
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = CANARY.sub(replace, path.relative_to(root).as_posix())
                files[name] = CANARY.sub(replace, path.read_text(encoding="utf-8"))
        drawn = [
            f"{random.Random(f'{seed}:{check_id}').getrandbits(64):016x}"
            for check_id in self.file.draws
        ]
        return Planted(make_tar(files), frozenset([*new.values(), *drawn]))


@dataclass(frozen=True)
class Planted:
    """A suite's tar and the hexadecimal halves of the canaries in it."""

    tar: bytes
    canaries: frozenset[str]


@cache
def load_suite(kind: Literal["service", "module"], folder: Path = GRADERS) -> Suite:
    """Read a suite. Raises BadPack."""
    root = folder / kind
    file = SuiteFile.model_validate(yaml.safe_load((root / "suite.yaml").read_text("utf-8")))
    suite = Suite(kind, root, file)
    if {check.id for check in file.checks} != set(file.honest):
        raise BadPack(f"{kind}: `honest` must name every check")
    return suite


def leaks(text: str, canaries: frozenset[str]) -> list[str]:
    """The canaries of which `text` holds a piece, in any case and however it is cut up."""
    squeezed = re.sub(r"[^0-9a-f]", "", text.lower())
    plain = text.lower()
    return sorted(
        canary
        for canary in canaries
        if canary in squeezed
        or any(canary[start : start + PIECE] in plain for start in range(len(canary) - PIECE + 1))
    )
