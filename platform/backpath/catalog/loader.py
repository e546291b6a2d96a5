"""Files -> (ContentTree, [Problem]). Pure: no database, nothing imported, nothing run.

    load_content(lessons, graders)      everything, all problems at once
    python -m backpath.catalog.loader   the same on the terminal, without Django

The rules themselves are in `lesson_files`, `assignment_files` (one file at a time),
`text_checks` (Markdown) and `references` (between files).
"""

import argparse
import sys
from pathlib import Path

from backpath.catalog.assignment_files import read_assignments
from backpath.catalog.files import ContentFiles
from backpath.catalog.lesson_files import read_paths
from backpath.catalog.references import check_references
from backpath.catalog.schema import Problem
from backpath.catalog.tree import ContentTree


def load_content(lessons: Path, graders: Path | None = None) -> tuple[ContentTree, list[Problem]]:
    """Read all lessons below `lessons` and all assignments below `graders`.

    Returns what could be read and every problem, sorted by file and line. A folder that is
    missing is a problem for `lessons`; a missing `graders` means that there is none yet.
    """
    lesson_files = ContentFiles(lessons.absolute())
    problems = lesson_files.problems
    paths = []
    if lesson_files.is_folder(lesson_files.root):
        paths = read_paths(lesson_files)
    else:
        problems.append(
            Problem(lessons.name, 0, "error", "The folder is missing.", "Name another folder.")
        )
    assignments = []
    unread = set(lesson_files.unread)
    if graders is not None and graders.is_dir():
        grader_files = ContentFiles(graders.absolute())
        assignments = read_assignments(grader_files)
        problems = problems + grader_files.problems
        unread |= grader_files.unread
    tree = ContentTree(tuple(paths), tuple(assignments), frozenset(unread))
    problems = problems + check_references(tree)
    return tree, sorted(set(problems))


def has_errors(problems: list[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Report every problem of the content.")
    parser.add_argument("lessons", type=Path, nargs="?", default=Path("lessons"))
    parser.add_argument("graders", type=Path, nargs="?", default=None)
    options = parser.parse_args(arguments)
    graders = options.graders or options.lessons.absolute().parent / "graders"
    tree, problems = load_content(options.lessons, graders)
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    lessons, assignments = len(list(tree.lessons())), len(tree.assignments)
    errors = sum(problem.severity == "error" for problem in problems)
    sys.stdout.write(
        f"{lessons} lessons, {assignments} assignments, {errors} errors, "
        f"{len(problems) - errors} warnings\n"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
