"""The authors' guide shows files that the loader accepts."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from backpath.catalog.markdown_scan import BLOCK_KINDS, FENCE_TAGS
from backpath.catalog.schema import (
    AssignmentFile,
    Check,
    Group,
    LessonMeta,
    Limits,
    ModuleFile,
    PathFile,
    QuizItem,
    WrongFile,
)
from backpath.catalog.text_checks import RESERVED_ID_STARTS, RESERVED_IDS
from backpath.catalog.yaml_lines import read_yaml, validate

GUIDE = (Path(__file__).resolve().parents[2] / "docs/authoring.md").read_text(encoding="utf-8")
MODELS = {
    "path.yaml": PathFile,
    "module.yaml": ModuleFile,
    "lesson.md": LessonMeta,
    "quiz.yaml": list[QuizItem],
    "assignment.yaml": AssignmentFile,
    "wrong.yaml": WrongFile,
}


def example(name: str) -> str:
    found = re.search(rf"^```yaml {re.escape(name)}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert found, f"no example of {name}"
    return found[1]


@pytest.mark.parametrize("name", MODELS)
def test_example_is_accepted(name: str) -> None:
    located, problems = read_yaml(example(name), name)
    value, field_problems = validate(located, TypeAdapter(MODELS[name]).validate_python, name)
    assert [str(problem) for problem in [*problems, *field_problems]] == []
    assert value


@pytest.mark.parametrize(
    "model", [PathFile, ModuleFile, LessonMeta, QuizItem, AssignmentFile, Group, Check, WrongFile]
)
def test_every_key_is_explained(model: type[PathFile]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    missing = {key for key in keys if not re.search(rf"\b{key}\b", GUIDE)}
    assert missing == set()


def test_limits_shown_are_the_defaults() -> None:
    located, _ = read_yaml(example("assignment.yaml"), "assignment.yaml")
    assert Limits(**located.data["limits"]) == Limits()


def test_every_tag_block_and_reserved_id_is_named() -> None:
    for word in [*FENCE_TAGS, *RESERVED_IDS, *RESERVED_ID_STARTS]:
        assert f"`{word}`" in GUIDE, word
    for kind in BLOCK_KINDS:
        assert f"/// {kind}" in GUIDE
