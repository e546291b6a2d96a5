"""What a content file may say, and how a mistake in one is reported.

Every model is strict: no value is converted, no unknown key is accepted. That is what
turns YAML's surprises (`on` and `yes` are booleans, `3.10` is a number) into a message with
a line instead of wrong content.
"""

import datetime
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Severity = Literal["error", "warning"]

SLUG_PATTERN: Final = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
CHECK_ID_PATTERN: Final = r"^[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*$"
LESSON_LINK_PATTERN: Final = r"^[a-z][a-z0-9-]*#[a-z0-9][a-z0-9-]*$"
PROJECT_POINTS: Final = 100
MAX_CONCEPTS: Final = 3
MAX_WORDS: Final = 900
WORDS_PER_MINUTE: Final = 200
# What an app beside the servers of an assignment must be left with.
SERVICES_MEMORY_MB: Final = 256
SERVICES_PIDS: Final = 64

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in the content, with what to do about it.

    `file` is relative to the folder that holds `lessons/` and `graders/`. `line` counts
    from 1; 0 stands for the file as a whole. An `error` refuses the content, a `warning`
    does not.
    """

    file: str
    line: int
    severity: Severity
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message} {self.remedy}"


def _no_control_characters(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("holds a control or direction character")
    return value


def _http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"'`{}|\\^]+", value):
        raise ValueError("must be an http or https address without spaces")
    return value


Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"^\S(.*\S)?$"),
    AfterValidator(_no_control_characters),
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_no_control_characters)
]
Url = Annotated[str, StringConstraints(max_length=500), AfterValidator(_http_url)]
Slug = Annotated[str, StringConstraints(max_length=60, pattern=SLUG_PATTERN)]
CheckId = Annotated[str, StringConstraints(max_length=80, pattern=CHECK_ID_PATTERN)]
LessonLink = Annotated[str, StringConstraints(max_length=130, pattern=LESSON_LINK_PATTERN)]


class ContentModel(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


class PathFile(ContentModel):
    """`path.yaml`"""

    title: Line
    summary: Text
    position: Annotated[int, Field(ge=1, le=999)]
    planned: list[Slug] = []


class ModuleFile(ContentModel):
    """`module.yaml`"""

    code: Annotated[str, StringConstraints(pattern=r"^M[0-9]{1,2}$")]
    title: Line
    summary: Text
    projects: list[Slug] = []


class Source(ContentModel):
    """Where a claim or a figure comes from."""

    title: Line
    url: Url
    date: datetime.date | None = None


class Further(ContentModel):
    """Where to go deeper."""

    title: Line
    url: Url


class LessonMeta(ContentModel):
    """The front matter of `lesson.md`. `minutes` is the time a learner should plan."""

    title: Line
    outcome: Line
    minutes: Annotated[int, Field(ge=5, le=45)]
    needs: list[Slug] = []
    concepts: Annotated[list[Line], Field(max_length=MAX_CONCEPTS)] = []
    checked_against: Annotated[list[Line], Field(max_length=12)] = []
    sources: list[Source] = []
    further: list[Further] = []
    design: Text | None = None


class QuizOption(ContentModel):
    text: Text
    right: bool = False
    why: Text


class QuizItem(ContentModel):
    """One item of `quiz.yaml`.

    `section` is the id of the heading that teaches it: in this lesson, or in the lesson
    `from_lesson` (the key is `from`) for the review item.
    """

    id: Slug
    kind: Literal["choice"]
    many: bool = False
    question: Text
    section: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    from_lesson: Slug | None = Field(default=None, alias="from")
    options: Annotated[list[QuizOption], Field(min_length=2, max_length=6)]


class Limits(ContentModel):
    """What one grading run may use: seconds, MiB, processes, CPUs.

    `cpu_seconds` is the computing time of the app from the moment it is ready. Without it
    `wall_seconds` times `app_cpus` is all there can be.
    """

    wall_seconds: Annotated[int, Field(ge=5, le=1800)] = 120
    check_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    ready_seconds: Annotated[int, Field(ge=1, le=120)] = 10
    app_memory_mb: Annotated[int, Field(ge=64, le=4096)] = 512
    app_pids: Annotated[int, Field(ge=16, le=1024)] = 128
    app_cpus: Annotated[float, Field(ge=0.1, le=8.0)] = 1.0
    cpu_seconds: Annotated[int, Field(ge=1, le=14400)] | None = None


class Group(ContentModel):
    """Checks that share one fresh process. After a failed `gate` no later group is reached."""

    id: Slug
    title: Line
    gate: bool = False


class Check(ContentModel):
    """One named, pointed test. `id` is `<group>.<name>`; `lesson` is `<slug>#<heading id>`."""

    id: CheckId
    title: Line
    points: Annotated[int, Field(ge=0, le=PROJECT_POINTS)]
    blocking: bool = False
    requires: list[CheckId] = []
    hidden: bool = False
    why: Text
    lesson: LessonLink
    hints: Annotated[list[Text], Field(min_length=1, max_length=3)]

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


class Solutions(ContentModel):
    reference: Annotated[list[Slug], Field(min_length=1)]


class AssignmentFile(ContentModel):
    """`assignment.yaml`. `pass_score` is in percent, `minutes` what a learner should plan.

    `services` run beside the learner's app, in its container, with empty data for each group.
    """

    slug: Slug
    kind: Literal["project", "exercise"]
    title: Line
    summary: Line
    code: Annotated[str, StringConstraints(pattern=r"^[PE][0-9]{1,3}$")]
    pass_score: Annotated[int, Field(ge=1, le=100)]
    minutes: Annotated[int, Field(ge=5, le=6000)]
    needs: list[Slug] = []
    limits: Limits = Limits()
    services: list[Literal["postgres", "redis"]] = []
    groups: Annotated[list[Group], Field(min_length=1)]
    checks: Annotated[list[Check], Field(min_length=1)]
    solutions: Solutions


class WrongFile(ContentModel):
    """`wrong.yaml`: a solution with one misconception, and the checks that must find it.

    `base` names the reference that `change.patch` applies to. `words` maps a check id to
    text that its message must contain.
    """

    base: Slug | None = None
    why: Line
    must_fail: Annotated[list[CheckId], Field(min_length=1)]
    may_fail: list[CheckId] = []
    not_reached: list[CheckId] = []
    words: dict[CheckId, Line] = {}
