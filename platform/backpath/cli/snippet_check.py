"""Runs the code of lessons and specifications: what is tagged `run` must work, and what is
tagged `expect-error` must not; an `output` fence below must be what it prints.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from backpath.catalog.markdown_scan import Fence, MarkdownScan
from backpath.catalog.schema import Problem
from backpath.catalog.tree import ContentTree
from backpath.execution.snippets import CompletedSnippet

RunPython = Callable[[str, str], CompletedSnippet]
"""Takes code and a title (a file name where the author gave one); runs it to its end."""


@dataclass(frozen=True)
class Snippet:
    """A fence to run. `expected` is the `output` fence that follows it, if one does."""

    file: str
    fence: Fence
    expected: Fence | None


def snippets_of(tree: ContentTree) -> list[Snippet]:
    """Every fence of `tree` that is run, in reading order."""
    found = [
        snippet for lesson in tree.lessons() for snippet in _runnable(lesson.file, lesson.scan)
    ]
    for assignment in tree.assignments:
        file = f"{assignment.file.rpartition('/')[0]}/spec.md"
        found.extend(_runnable(file, assignment.spec_scan))
    return found


def _runnable(file: str, scan: MarkdownScan) -> Iterator[Snippet]:
    for index, fence in enumerate(scan.fences):
        if fence.language == "python" and fence.tag in {"run", "expect-error"}:
            following = scan.fences[index + 1] if index + 1 < len(scan.fences) else None
            is_output = following is not None and following.language == "output"
            yield Snippet(file, fence, following if is_output else None)


def check_snippets(
    snippets: list[Snippet],
    run_python: RunPython,
    *,
    parallel: int = 2,
    on_done: Callable[[Snippet], None] = lambda _snippet: None,
) -> list[Problem]:
    """Run every snippet, `parallel` at a time, and report what is not as the text says."""

    def run(snippet: Snippet) -> list[Problem]:
        done = run_python(snippet.fence.text, snippet.fence.title)
        problems = list(_problems(snippet, done))
        on_done(snippet)
        return problems

    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="snippet") as pool:
        return [problem for problems in pool.map(run, snippets) for problem in problems]


def _problems(snippet: Snippet, done: CompletedSnippet) -> Iterator[Problem]:
    fence = snippet.fence
    if done.exit_code is None:
        message = "The code does not end by itself."
        yield Problem(snippet.file, fence.line, "error", message, "Make it end within seconds.")
        return
    if fence.tag == "run" and done.exit_code != 0:
        message = f"The code ends in an error: {_last_line(done.stderr)}"
        remedy = "Correct it, or tag it `expect-error` if that is the point."
        yield Problem(snippet.file, fence.line, "error", message, remedy)
    elif fence.tag == "expect-error" and done.exit_code == 0:
        message = "The code is meant to end in an error, and does not."
        yield Problem(snippet.file, fence.line, "error", message, "Tag it `run`, or mend it.")
    if snippet.expected is not None and _differs(done.stdout, snippet.expected.text):
        line = snippet.expected.line
        message = f"The code prints something else: {_first_difference(snippet, done.stdout)}"
        yield Problem(snippet.file, line, "error", message, "Write what it prints.")


def _differs(stdout: str, expected: str) -> bool:
    return _lines(stdout) != _lines(expected)


def _lines(text: str) -> list[str]:
    """Lines without trailing blanks, which nobody sees in print."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _first_difference(snippet: Snippet, stdout: str) -> str:
    assert snippet.expected is not None  # noqa: S101  the caller looked
    wanted, printed = _lines(snippet.expected.text), _lines(stdout)
    for number, (want, got) in enumerate(zip(wanted, printed, strict=False), 1):
        if want != got:
            return f"line {number} is `{got[:200]}`, not `{want[:200]}`."
    if len(printed) > len(wanted):
        return f"line {len(wanted) + 1} is `{printed[len(wanted)][:200]}`."
    return f"it ends after line {len(printed)}."


def _last_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return f"{lines[-1].strip()[:300]}." if lines else "it says nothing more."
