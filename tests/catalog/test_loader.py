"""Each kind of mistake is found, with its file and line; all at once; and no false alarm."""

# ruff: noqa: E501  a table of mistakes reads best with one on each line

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backpath.catalog import loader
from backpath.catalog.loader import load_content
from backpath.catalog.schema import Problem
from tests.catalog.factories import (
    LESSON_BODY,
    ContentFolder,
    dump,
    make_assignment_data,
    make_checks,
    make_diagram,
    make_front_matter,
    make_quiz_items,
)

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST = "lessons/data/04-rest/010-first/lesson.md"
FIRST_QUIZ = "lessons/data/04-rest/010-first/quiz.yaml"
SECOND = "lessons/data/04-rest/020-second/lesson.md"
SECOND_QUIZ = "lessons/data/04-rest/020-second/quiz.yaml"
MODULE = "lessons/data/04-rest/module.yaml"
PATH = "lessons/data/path.yaml"
ASSIGNMENT = "graders/small-api/assignment.yaml"
SPEC = "graders/small-api/spec.md"
SUITE = "graders/small-api/grader/test_all.py"
WRONG = "graders/small-api/wrong/forgets/wrong.yaml"

Change = Callable[[ContentFolder], object]


def line_of(content: ContentFolder, file: str, text: str) -> int:
    """The line on which `text` first stands."""
    lines = (content.root / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def only(problems: list[Problem], file: str) -> list[Problem]:
    return [problem for problem in problems if problem.file == file]


def test_valid_content_has_no_problem(content: ContentFolder) -> None:
    tree, problems = load_content(content.lessons, content.graders)
    assert problems == []
    assert [lesson.slug for lesson in tree.lessons()] == ["first", "second"]
    assert [assignment.slug for assignment in tree.assignments] == ["small-api"]
    assert tree.paths[0].modules[0].meta.code == "M4"


def test_the_content_of_this_repository_has_no_problem() -> None:
    tree, problems = load_content(REPOSITORY / "lessons", REPOSITORY / "graders")
    assert [str(problem) for problem in problems] == []
    assert len(list(tree.lessons())) >= 8


def write_lesson(body: str = LESSON_BODY, **front_matter: object) -> Change:
    def change(content: ContentFolder) -> None:
        content.write(FIRST, f"---\n{make_front_matter(**front_matter)}---\n{body}")

    return change


def write_assignment(**changes: object) -> Change:
    def change(content: ContentFolder) -> None:
        data = make_assignment_data(**changes)
        content.write(ASSIGNMENT, dump(data))

    return change


def write_quiz(file: str, items: list[dict[str, object]]) -> Change:
    return lambda content: content.write(file, dump(items))


def edit(file: str, old: str, new: str) -> Change:
    return lambda content: content.edit(file, old, new)


def write(file: str, text: str | bytes) -> Change:
    return lambda content: content.write(file, text)


def link(file: str, target: str) -> Change:
    def change(content: ContentFolder) -> None:
        path = content.root / file
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return change


def checks_with(index: int, **changes: object) -> list[dict[str, object]]:
    checks = make_checks()
    checks[index] |= changes
    return [{key: value for key, value in check.items() if value is not None} for check in checks]


def items_with(index: int, **changes: object) -> list[dict[str, object]]:
    items = make_quiz_items()
    items[index] |= changes
    return items


def options(*right: bool) -> list[dict[str, object]]:
    return [{"text": f"{i}", "right": value, "why": "So."} for i, value in enumerate(right)]


def after(text: str) -> str:
    return f"{LESSON_BODY}\n{text}\n"


# (name, what is changed, file of the problem, text on its line or None, part of the message)
CASES: list[tuple[str, Change, str, str | None, str]] = [
    # front matter
    ("no front matter", write(FIRST, "Text.\n"), FIRST, "Text.", "does not begin with front"),
    ("open front matter", write(FIRST, "---\ntitle: A\n"), FIRST, "---", "does not end"),
    ("unknown key", edit(FIRST, "minutes: 15", "minuets: 15"), FIRST, "minuets", "`minuets` is not a key"),
    ("missing key", write_lesson(minutes=None), FIRST, None, "`minutes` is missing"),
    ("wrong type", edit(FIRST, "minutes: 15", "minutes: '15'"), FIRST, "minutes", "`minutes`: input should be a valid integer"),
    ("too short", edit(FIRST, "minutes: 15", "minutes: 1"), FIRST, "minutes", "`minutes`: input should be greater"),
    ("bare word yes", edit(FIRST, "- thing", "- yes"), FIRST, "- yes", "YAML reads the bare word `yes` as true or false"),
    ("number as text", edit(FIRST, "Python 3.13", "3.13"), FIRST, "- 3.13", "`checked_against[0]`: input should be a valid string"),
    ("four concepts", write_lesson(concepts=["a", "b", "c", "d"]), FIRST, "concepts", "at most 3 items"),
    ("bad address", write_lesson(further=[{"title": "T", "url": "javascript:alert(1)"}]), FIRST, "url:", "must be an http or https address"),
    ("duplicate key", edit(FIRST, "minutes: 15", "minutes: 15\nminutes: 16"), FIRST, "minutes: 16", "appears twice"),
    ("alias", edit(FIRST, "minutes: 15", "minutes: &m 15"), FIRST, "&m", "Anchors"),
    ("not YAML", edit(FIRST, "minutes: 15", "minutes: : ["), FIRST, "minutes", "not valid YAML"),
    ("needs unknown", edit(SECOND, "- first", "- fisrt"), SECOND, "- fisrt", "There is no lesson `fisrt`"),
    ("needs later", write_lesson(needs=["second"]), FIRST, "- second", "`second` comes later"),
    ("needs itself", write_lesson(needs=["first"]), FIRST, "- first", "needs itself"),
    # files
    ("not UTF-8", write(FIRST, b"---\ntitle: \xff\n---\n"), FIRST, None, "not UTF-8"),
    ("NUL", lambda c: c.edit(FIRST, "More text.", "More\x00text."), FIRST, "More", "NUL character"),
    ("too large", write(FIRST, "x" * 300_000), FIRST, None, "larger than 256 kB"),
    ("no lesson.md", lambda c: (c.root / FIRST).unlink(), FIRST, None, "The file is missing"),
    ("no quiz", lambda c: (c.root / FIRST_QUIZ).unlink(), FIRST_QUIZ, None, "The file is missing"),
    ("link", link(FIRST, "/etc/hostname"), FIRST, None, "cannot be opened"),
    ("link to a folder", lambda c: (c.module / "030-etc").symlink_to("/etc"), "lessons/data/04-rest/030-etc", None, "symbolic link"),
    ("pipe", lambda c: os.mkfifo(c.module / "030-pipe"), "lessons/data/04-rest/030-pipe", None, "not an ordinary file"),
    ("folder name", lambda c: c.add_lesson("030_third"), "lessons/data/04-rest/030_third", None, "no name for a folder"),
    ("same number", lambda c: c.add_lesson("010-third"), "lessons/data/04-rest/010-third", None, "number 010 is taken"),
    ("stray file", write("lessons/data/04-rest/010-first/notes.txt", "x"), "lessons/data/04-rest/010-first/notes.txt", None, "does not use this file"),
    # slugs, paths, modules
    ("duplicate slug", lambda c: c.add_lesson("030-first"), "lessons/data/04-rest/030-first/lesson.md", None, "`first` is used by"),
    ("planned is written", lambda c: c.add_path("data", planned=["planned-one", "second"]), PATH, "- second", "`second` is written"),
    ("unknown project", edit(MODULE, "small-api", "big-api"), MODULE, "big-api", "no assignment `big-api`"),
    ("project twice", edit(MODULE, "- small-api", "- small-api\n- small-api"), MODULE, "- small-api", "is in lessons/data/04-rest/module.yaml too"),
    ("module code", edit(MODULE, "code: M4", "code: four"), MODULE, "code", "`code`: string should match"),
    # Markdown
    ("first-level heading", write_lesson(after("# Big")), FIRST, "# Big", "only first-level heading"),
    ("heading jump", write_lesson(after("#### Deep")), FIRST, "#### Deep", "jumps from level 2 to level 4"),
    ("same id", write_lesson(after("## Again {#part}")), FIRST, "## Again", "used by the heading on line"),
    ("bad id", write_lesson(after("## Odd {#Odd_Id}")), FIRST, "## Odd", "cannot be the id"),
    ("page's own id", write_lesson(after("## Check {#check}")), FIRST, "## Check", "used by the page itself"),
    ("heading in a block", write_lesson(after("/// note\n## In\n///")), FIRST, "## In", "inside a block"),
    ("underlined heading", write_lesson(after("Title\n---")), FIRST, None, "makes it a heading"),
    ("fence without tag", write_lesson(after("```json\n{}\n```")), FIRST, "```json", "exactly one tag"),
    ("fence with two tags", write_lesson(after("```python run illustration\n1\n```")), FIRST, "run illustration", "exactly one tag"),
    ("fence with an unknown tag", write_lesson(after("```python runn\n1\n```")), FIRST, "runn", "There is no tag `runn`"),
    ("fence without language", write_lesson(after("```\nx\n```")), FIRST, None, "names no language"),
    ("fence in an unknown language", write_lesson(after("```klingon illustration\nx\n```")), FIRST, "klingon", "no language `klingon`"),
    ("bash that is run", write_lesson(after("```bash run\nls\n```")), FIRST, "bash run", "Only Python can be tagged"),
    ("open fence", write_lesson(after("```python run\n1")), FIRST, "```python run\n", "not closed"),
    ("unknown option", write_lesson(after('```python run titel="x"\n1\n```')), FIRST, "titel", "no option `titel`"),
    ("unreadable option", write_lesson(after('```python run title="x\n1\n```')), FIRST, 'title="x', "cannot be read"),
    ("marked line past the end", write_lesson(after('```python run hl_lines="9"\n1\n```')), FIRST, "hl_lines", "past the end"),
    ("marked lines unreadable", write_lesson(after('```python run hl_lines="a-b"\n1\n```')), FIRST, "hl_lines", "cannot be read from `a-b`"),
    ("lonely output", write_lesson(after("```json illustration\n{}\n```\n\n```output\nx\n```")), FIRST, None, "follows no fence that is run"),
    ("diagram without alt", write_lesson(after("```mermaid\nflowchart TD\n```")), FIRST, "```mermaid", "no text equivalent"),
    ("diagram not drawn", write_lesson(after('```mermaid alt="A."\nflowchart TD\n```')), FIRST, "```mermaid", "not rendered"),
    ("raw HTML", write_lesson(after("Press <kbd>a</kbd>.")), FIRST, "<kbd>", "Raw HTML (`<kbd>`)"),
    ("comment", write_lesson(after("<!-- later -->")), FIRST, "<!--", "Raw HTML"),
    ("unknown block", write_lesson(after("/// danger\nx\n///")), FIRST, "/// danger", "no block `danger`"),
    ("open block", write_lesson(after("/// warn | T\nx")), FIRST, "/// warn", "`/// warn` is not closed"),
    ("closed too often", write_lesson(after("///")), FIRST, "///", "closes no open block"),
    ("tab without title", write_lesson(after("/// tab\nx\n///")), FIRST, "/// tab", "has no title"),
    ("six tabs", write_lesson(after("".join(f"/// tab | T{i}\nx\n///\n\n" for i in range(6)))), FIRST, "/// tab | T5", "more than 5 tabs"),
    ("nested as deep", write_lesson(after("/// note\n/// warn\nx\n///\n///")), FIRST, "/// warn", "as many slashes"),
    ("900 words", write_lesson(after("word " * 900)), FIRST, "Something to read", "at most 900 are read"),
    # links and images
    ("unknown lesson", write_lesson(after("See [it](/lessons/nope/).")), FIRST, "/lessons/nope/", "no lesson `nope`"),
    ("unknown section", write_lesson(after("See [it](/lessons/second/#nope).")), FIRST, "#nope", "has no section `#nope`"),
    ("planned lesson", write_lesson(after("See [it](/lessons/planned-one/).")), FIRST, "planned-one/", "planned, but not written"),
    ("unknown own section", write_lesson(after("See [it](#nope).")), FIRST, "(#nope)", "no section `#nope` here"),
    ("unknown project link", write_lesson(after("See [it](/projects/nope/).")), FIRST, "/projects/nope/", "no project `nope`"),
    ("relative link", write_lesson(after("See [it](../020-second/lesson.md).")), FIRST, "../020", "no form of link"),
    ("script link", write_lesson(after("See [it](javascript:alert(1)).")), FIRST, "javascript", "no form of link"),
    ("link over two lines", write_lesson(after("See [it\nis](#nope).")), FIRST, "See [it", "no section `#nope`"),
    ("reference link", write_lesson(after("See [it].\n\n[it]: /lessons/nope/")), FIRST, "[it]: ", "no lesson `nope`"),
    ("image missing", write_lesson(after("![Alt](pic.png)")), FIRST, "pic.png", "no image `pic.png`"),
    ("image without alt", write_lesson(after("![](pic.png)")), FIRST, "pic.png", "no alternative text"),
    ("image elsewhere", write_lesson(after("![Alt](../../../../etc/pic.png)")), FIRST, "pic.png", "not beside the text"),
    ("image from outside", write_lesson(after("![Alt](https://example.org/a.png)")), FIRST, "a.png", "not beside the text"),
    # quiz
    ("quiz section", write_quiz(FIRST_QUIZ, items_with(1, section="nope")), FIRST_QUIZ, "item-2", "no section `nope`"),
    ("quiz without section", write_quiz(FIRST_QUIZ, items_with(1, section=None)), FIRST_QUIZ, "item-2", "names no section"),
    ("quiz with two right", write_quiz(FIRST_QUIZ, items_with(1, options=options(True, True, False))), FIRST_QUIZ, "item-2", "2 right options"),
    ("quiz with none right", write_quiz(FIRST_QUIZ, items_with(1, options=options(False, False))), FIRST_QUIZ, "item-2", "0 right options"),
    ("quiz with all right", write_quiz(FIRST_QUIZ, items_with(1, many=True, options=options(True, True))), FIRST_QUIZ, "item-2", "Every option"),
    ("quiz without why", write_quiz(FIRST_QUIZ, items_with(1, options=[{"text": "a"}, {"text": "b", "why": "c"}])), FIRST_QUIZ, "text: a", "`[1].options[0].why` is missing"),
    ("quiz id twice", write_quiz(FIRST_QUIZ, items_with(1, id="item-1")), FIRST_QUIZ, None, "`item-1` appears twice"),
    ("quiz too short", write_quiz(FIRST_QUIZ, make_quiz_items()[2:]), FIRST_QUIZ, "item-3", "2 items"),
    ("quiz without review", write_quiz(FIRST_QUIZ, items_with(3, **{"from": None, "section": "part"})), FIRST_QUIZ, "item-1", "0 items come from"),
    ("quiz with two reviews", write_quiz(SECOND_QUIZ, [*make_quiz_items(review_of="first"), make_quiz_items(review_of="first")[3] | {"id": "r2"}]), SECOND_QUIZ, "r2", "2 items come from"),
    ("quiz review of a later lesson", write_quiz(FIRST_QUIZ, make_quiz_items(review_of="second")), FIRST_QUIZ, "review", "not an earlier lesson"),
    ("quiz review of nothing", write_quiz(FIRST_QUIZ, make_quiz_items(review_of="nope")), FIRST_QUIZ, "review", "no lesson `nope`"),
    ("quiz review of an unknown section", write_quiz(SECOND_QUIZ, [*make_quiz_items(review_of="first", section="part")[:3], make_quiz_items(review_of="first")[3] | {"section": "nope"}]), SECOND_QUIZ, "review", "has no section `#nope`"),
    # assignments
    ("slug of another folder", write_assignment(slug="other"), ASSIGNMENT, "slug: other", "not the name of the folder"),
    ("points", write_assignment(checks=checks_with(2, points=31)), ASSIGNMENT, "checks:", "total 101"),
    ("check without hint", write_assignment(checks=checks_with(2, hints=[])), ASSIGNMENT, "hints: []", "at least 1 item"),
    ("four hints", write_assignment(checks=checks_with(2, hints=["a", "b", "c", "d"])), ASSIGNMENT, None, "at most 3 items"),
    ("check of no group", write_assignment(checks=checks_with(2, id="list.hidden")), ASSIGNMENT, "list.hidden", "belongs to no group"),
    ("check twice", write_assignment(checks=checks_with(2, id="read.list")), ASSIGNMENT, None, "`read.list` appears twice"),
    ("requires nothing known", write_assignment(checks=checks_with(1, requires=["start.nope"])), ASSIGNMENT, "start.nope", "no check `start.nope`"),
    ("requires a later one", write_assignment(checks=checks_with(1, requires=["read.hidden"])), ASSIGNMENT, "- read.hidden", "runs later"),
    ("requires in a circle", write_assignment(checks=[checks_with(0)[0], checks_with(1, requires=["read.hidden"])[1], checks_with(2, requires=["read.list"])[2]]), ASSIGNMENT, "requires:", "read.list -> read.hidden -> read.list"),
    ("gate that cannot close", write_assignment(checks=checks_with(0, blocking=False)), ASSIGNMENT, "id: start", "can stop nothing"),
    ("empty group", write_assignment(groups=[{"id": "start", "title": "S", "gate": True}, {"id": "read", "title": "R"}, {"id": "x", "title": "X"}]), ASSIGNMENT, "id: x", "has no check"),
    ("group twice", write_assignment(groups=[{"id": "start", "title": "S"}, {"id": "read", "title": "R"}, {"id": "read", "title": "R"}]), ASSIGNMENT, None, "`read` appears twice"),
    ("lesson of a check", write_assignment(checks=checks_with(1, lesson="nope#part")), ASSIGNMENT, "read.list", "no lesson `nope`"),
    ("section of a check", write_assignment(checks=checks_with(1, lesson="first#nope")), ASSIGNMENT, "read.list", "no section `#nope`"),
    ("needs of an assignment", write_assignment(needs=["nope"]), ASSIGNMENT, "- nope", "no lesson `nope`"),
    ("yes for a boolean", edit(ASSIGNMENT, "blocking: true", "blocking: yes"), ASSIGNMENT, "blocking: yes", "is written as `yes`"),
    ("limit too high", write_assignment(limits={"wall_seconds": 99999}), ASSIGNMENT, "wall_seconds", "less than or equal to 1800"),
    ("unknown service", write_assignment(services=["mysql"]), ASSIGNMENT, "- mysql", "'postgres' or 'redis'"),
    ("service twice", write_assignment(services=["redis", "redis"]), ASSIGNMENT, "- redis", "`redis` appears twice"),
    ("no room for services", write_assignment(services=["postgres"], limits={"app_memory_mb": 128}), ASSIGNMENT, "app_memory_mb", "at least 256 MiB"),
    ("no processes for services", write_assignment(services=["postgres"], limits={"app_pids": 32}), ASSIGNMENT, "app_pids", "at least 64 processes"),
    ("computing time beyond the clock", write_assignment(limits={"wall_seconds": 60, "app_cpus": 0.5, "cpu_seconds": 31}), ASSIGNMENT, "cpu_seconds", "30 s is all there is"),
    ("specification's heading", edit(SPEC, "## Rules", "# Rules"), SPEC, "# Rules", "only first-level heading"),
    ("specification's link", edit(SPEC, "What to build.", "See [x](/lessons/nope/)."), SPEC, "/lessons/nope/", "no lesson `nope`"),
    ("no specification", lambda c: (c.root / SPEC).unlink(), SPEC, None, "The file is missing"),
    ("unbound check", edit(SUITE, '@check("read.list")\n', ""), ASSIGNMENT, "read.list", "No test is bound to the check `read.list`"),
    ("unknown check", edit(SUITE, "read.list", "read.nope"), SUITE, "read.nope", "`read.nope` is not in assignment.yaml"),
    ("bound twice", write("graders/small-api/grader/test_more.py", 'from backpath_sdk import check\n\n@check("read.list")\ndef test_x(service): ...\n'), "graders/small-api/grader/test_more.py", "@check", "is bound at test_all.py"),
    ("check by a name", edit(SUITE, '@check("read.list")', "@check(NAME)"), SUITE, "@check(NAME)", "cannot be read"),
    ("check not collected", edit(SUITE, "def test_1", "def try_1"), SUITE, "def try_1", "pytest does not collect it"),
    ("suite is not Python", write("graders/small-api/grader/test_more.py", "x = 1\ndef broken(:\n"), "graders/small-api/grader/test_more.py", "def broken", "not valid Python"),
    ("no public tests", lambda c: (c.graders / "small-api/public/test_public.py").rename(c.graders / "small-api/public/x.py"), "graders/small-api/public", None, "no test file"),
    ("no starter", lambda c: (c.graders / "small-api/starter/app.py").unlink(), "graders/small-api/starter", None, "holds no files"),
    ("reference without files", write_assignment(solutions={"reference": ["flask", "ninja"]}), ASSIGNMENT, "- ninja", "`ninja` has no files"),
    ("unlisted reference", write("graders/small-api/reference/fastapi/a.py", "1"), "graders/small-api/reference/fastapi", None, "not listed"),
    ("unknown must_fail", edit(WRONG, "read.list", "read.nope"), WRONG, "read.nope", "no check `read.nope`"),
    ("no must_fail", edit(WRONG, "must_fail:\n- read.list", "must_fail: []"), WRONG, "must_fail", "at least 1 item"),
    ("unknown base", edit(WRONG, "base: flask", "base: django"), WRONG, "base", "`django` is no reference"),
    ("words of a passing check", edit(WRONG, "why:", "words: {read.hidden: x}\nwhy:"), WRONG, "words", "not expected to fail"),
    ("patch and files", write("graders/small-api/wrong/forgets/app.py", "1"), "graders/small-api/wrong/forgets", None, "both a patch and files"),
    ("neither", lambda c: (c.graders / "small-api/wrong/forgets/change.patch").unlink(), "graders/small-api/wrong/forgets", None, "neither files nor a change.patch"),
    ("link in the starter", link("graders/small-api/starter/passwd", "/etc/passwd"), "graders/small-api/starter/passwd", None, "symbolic link"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "file", "text", "message"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_mistake_is_reported_where_it_is(
    content: ContentFolder, change: Change, file: str, text: str | None, message: str
) -> None:
    change(content)
    found = [problem for problem in only(content.load(), file) if message in problem.message]
    assert found, f"not found among {[str(p) for p in content.load()]}"
    assert found[0].remedy
    if text is not None:
        assert text.strip() in (content.root / file).read_text().splitlines()[found[0].line - 1]


def test_every_mistake_is_reported_at_once(content: ContentFolder) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    content.write(SECOND, f"---\n{make_front_matter()}---\n{after('[x](#nope)')}")
    content.edit(SUITE, "read.list", "read.nope")
    problems = content.load()
    assert {FIRST, SECOND, SUITE, ASSIGNMENT} <= {problem.file for problem in problems}
    assert problems == sorted(problems)
    assert all(isinstance(problem.line, int) for problem in problems)


def test_what_cannot_be_read_is_reported_once(content: ContentFolder) -> None:
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    content.edit(ASSIGNMENT, "pass_score: 80", "pass_score: 800")
    content.edit(
        SECOND, "More text.", "See [it](/lessons/first/#part), [do](/projects/small-api/)."
    )
    assert [problem.file for problem in content.load()] == [ASSIGNMENT, FIRST]


def test_module_that_cannot_be_read_blames_nobody_else(content: ContentFolder) -> None:
    content.edit(MODULE, "code: M4", "code: four")
    (problem,) = [p for p in content.load() if p.severity == "error"]
    assert problem.file == MODULE


def test_two_sets_of_tabs_are_not_one(content: ContentFolder) -> None:
    tabs = "".join(f"/// tab | T{number}\nx\n///\n\n" for number in range(4))
    content.write(FIRST, f"---\n{make_front_matter()}---\n{after(tabs + 'Between.\n\n' + tabs)}")
    assert content.load() == []


def test_planned_lessons_may_be_needed_but_not_linked(content: ContentFolder) -> None:
    content.write(FIRST, f"---\n{make_front_matter(needs=['planned-one'])}---\n{LESSON_BODY}")
    assert content.load() == []


def test_drawn_diagram_is_accepted_and_a_left_over_one_is_a_warning(content: ContentFolder) -> None:
    text = "flowchart TD\n  a --> b"
    body = after(f'```mermaid alt="From a to b."\n{text}\n```')
    content.write(FIRST, f"---\n{make_front_matter()}---\n{body}")
    name = make_diagram(content, "010-first", text)
    assert content.load() == []
    tree, _ = load_content(content.lessons, content.graders)
    assert f"diagrams/{name}-dark.svg" in next(tree.lessons()).images

    other = make_diagram(content, "010-first", "flowchart LR")
    (left_over, _) = content.load()
    assert (left_over.severity, left_over.file) == (
        "warning",
        f"lessons/data/04-rest/010-first/diagrams/{other}-dark.svg",
    )


@pytest.mark.parametrize(
    "svg",
    [
        '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        '<svg xmlns="http://www.w3.org/2000/svg"><foreignObject/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><style>*{}</style></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><rect style="fill:red"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><a href="https://example.org"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><use href="https://example.org/x#y"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="url(https://example.org/x)"/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        "<html><body/></html>",
        "<svg",
    ],
)
def test_picture_that_could_act_is_refused(content: ContentFolder, svg: str) -> None:
    content.write("lessons/data/04-rest/010-first/picture.svg", svg)
    content.write(FIRST, f"---\n{make_front_matter()}---\n{after('![A picture](picture.svg)')}")
    (problem,) = content.load()
    assert "cannot be served" in problem.message


def test_picture_must_be_what_its_name_says(content: ContentFolder) -> None:
    content.write("lessons/data/04-rest/010-first/picture.png", "<html>")
    content.write(FIRST, f"---\n{make_front_matter()}---\n{after('![A picture](picture.png)')}")
    (problem,) = content.load()
    assert problem.file.endswith("picture.png")
    assert "not that of a .png" in problem.message


def test_suite_is_read_without_being_run(content: ContentFolder) -> None:
    mark = content.root / "ran"
    source = f"open({str(mark)!r}, 'w')\n" + (content.root / SUITE).read_text()
    content.write(SUITE, source)
    assert content.load() == []
    assert not mark.exists()


def test_hidden_and_generated_files_are_left_alone(content: ContentFolder) -> None:
    content.write("graders/small-api/grader/__pycache__/x.pyc", b"\x00")
    content.write("lessons/data/04-rest/010-first/.DS_Store", b"\x00")
    assert content.load() == []


def test_missing_lessons_folder_is_a_problem(tmp_path: Path) -> None:
    (problem,) = load_content(tmp_path / "lessons")[1]
    assert (problem.file, problem.severity) == ("lessons", "error")


def test_terminal_prints_every_problem_and_fails(
    content: ContentFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loader.main([str(content.lessons)]) == 0
    assert "2 lessons, 1 assignments, 0 errors" in capsys.readouterr().out
    content.edit(FIRST, "minutes: 15", "minutes: 1")
    line = line_of(content, FIRST, "minutes: 1")
    assert loader.main([str(content.lessons), str(content.graders)]) == 1
    assert f"{FIRST}:{line}: error: `minutes`" in capsys.readouterr().out


def test_loading_needs_no_django() -> None:
    code = (
        "import sys; sys.modules['django'] = None;"
        "import backpath.catalog.loader, backpath.catalog.packages, backpath.catalog.rendering"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "platform"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
