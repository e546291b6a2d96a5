"""Small content trees on disk: valid as made, so that a test breaks one thing at a time."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from backpath.catalog.blobs import BlobStore
from backpath.catalog.loader import load_content
from backpath.catalog.markdown_scan import diagram_name
from backpath.catalog.schema import Problem
from backpath.catalog.sync import SyncResult, sync_content

LESSON_BODY = """\
Something to read first.

## One part {#part}

Text with `code` and [a link](https://example.org/).

```python run title="part.py"
print("hello")
```

```output
hello
```

## Another part {#other}

More text.
"""

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20">'
    '<rect x="1" y="1" width="38" height="18" fill="#ffffff"/></svg>'
)


def dump(value: Any) -> str:
    """YAML without aliases, which the content formats refuse."""
    return yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False)


def make_front_matter(**changes: Any) -> str:
    values: dict[str, Any] = {
        "title": "A lesson",
        "outcome": "do the thing",
        "minutes": 15,
        "needs": [],
        "concepts": ["thing"],
        "checked_against": ["Python 3.13"],
    } | changes
    values = {key: value for key, value in values.items() if value is not None}
    return dump(values)


def make_quiz_items(
    *, section: str = "part", review_of: str = "planned-one"
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [
        {
            "id": f"item-{number}",
            "kind": "choice",
            "question": f"Question {number}?",
            "section": section,
            "options": [
                {"text": "Yes", "right": True, "why": "It is so."},
                {"text": "No", "why": "It is not so."},
            ],
        }
        for number in range(1, 4)
    ]
    review = dict(items[0], id="review", question="From before?")
    review |= {"from": review_of}
    if review_of.startswith("planned"):
        del review["section"]
    return [*items, review]


def make_checks() -> list[dict[str, Any]]:
    common = {"why": "Clients rely on it.", "lesson": "first#part", "hints": ["Look again."]}
    return [
        {"id": "start.health", "title": "Answers", "points": 20, "blocking": True, **common},
        {"id": "read.list", "title": "Lists", "points": 50, "requires": ["start.health"], **common},
        {"id": "read.hidden", "title": "Secret", "points": 30, "hidden": True, **common},
    ]


def make_assignment_data(slug: str = "small-api", **changes: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "kind": "project",
        "title": "Small API",
        "summary": "Build a small API.",
        "code": "P3",
        "pass_score": 80,
        "minutes": 120,
        "needs": ["first"],
        "groups": [
            {"id": "start", "title": "Starts", "gate": True},
            {"id": "read", "title": "Reading"},
        ],
        "checks": make_checks(),
        "solutions": {"reference": ["flask"]},
    } | changes


class ContentFolder:
    """A content tree below `root`: `lessons/` and `graders/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lessons = root / "lessons"
        self.graders = root / "graders"

    @property
    def module(self) -> Path:
        return self.lessons / "data/04-rest"

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file below the root, given by its name there."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that must be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))

    def add_lesson(
        self,
        folder: str,
        *,
        module: str = "data/04-rest",
        body: str = LESSON_BODY,
        quiz: Sequence[Mapping[str, Any]] | None = None,
        **front_matter: Any,
    ) -> None:
        base = f"lessons/{module}/{folder}"
        self.write(f"{base}/lesson.md", f"---\n{make_front_matter(**front_matter)}---\n{body}")
        items = make_quiz_items() if quiz is None else list(quiz)
        self.write(f"{base}/quiz.yaml", dump(items))

    def add_module(self, path: str, folder: str, **changes: Any) -> None:
        values = {"code": "M4", "title": "REST", "summary": "HTTP APIs.", "projects": []} | changes
        self.write(f"lessons/{path}/{folder}/module.yaml", dump(values))

    def add_path(self, slug: str, **changes: Any) -> None:
        values = {"title": "Data", "summary": "Keep data.", "position": 1} | changes
        self.write(f"lessons/{slug}/path.yaml", dump(values))

    def add_assignment(self, slug: str = "small-api", **changes: Any) -> None:
        base = f"graders/{slug}"
        data = make_assignment_data(slug, **changes)
        self.write(f"{base}/assignment.yaml", dump(data))
        self.write(f"{base}/spec.md", "What to build.\n\n## Rules {#rules}\n\nAnswer `GET /`.\n")
        self.write(f"{base}/starter/app.py", "print('start')\n")
        self.write(f"{base}/public/test_public.py", "def test_nothing() -> None: ...\n")
        self.write(f"{base}/grader/test_all.py", make_suite(data["checks"]))
        self.write(f"{base}/reference/flask/app.py", "print('reference')\n")
        wrong = {"base": "flask", "why": "It forgets.", "must_fail": ["read.list"]}
        self.write(f"{base}/wrong/forgets/wrong.yaml", dump(wrong))
        self.write(f"{base}/wrong/forgets/change.patch", "--- a/app.py\n+++ b/app.py\n")

    def load(self) -> list[Problem]:
        """Every problem of the tree."""
        return load_content(self.lessons, self.graders)[1]

    def sync(self, store: BlobStore) -> SyncResult:
        return sync_content(*load_content(self.lessons, self.graders), store=store)


def make_suite(checks: Sequence[Mapping[str, Any]]) -> str:
    tests = [
        f'@check("{check["id"]}")\ndef test_{number}(service):\n    pass\n'
        for number, check in enumerate(checks)
    ]
    return "from backpath_sdk import check\n\n\n" + "\n\n".join(tests)


def make_content(root: Path) -> ContentFolder:
    """One path with one module, two lessons (`first`, `second`) and one project."""
    content = ContentFolder(root)
    content.add_path("data", planned=["planned-one"])
    content.add_module("data", "04-rest", projects=["small-api"])
    content.add_lesson("010-first", title="First steps")
    content.add_lesson(
        "020-second",
        title="Second steps",
        needs=["first"],
        quiz=make_quiz_items(review_of="first"),
    )
    content.add_assignment()
    return content


def make_diagram(content: ContentFolder, folder: str, text: str) -> str:
    """Draw a diagram's two files beside a lesson; returns their common name."""
    name = diagram_name(text)
    for scheme in ("light", "dark"):
        content.write(f"lessons/data/04-rest/{folder}/diagrams/{name}-{scheme}.svg", SVG)
    return name
