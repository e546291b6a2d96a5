"""Read `graders/`: definitions, specifications, suites and solutions of assignments.

No file of an assignment is imported or run here. Grader suites are read as syntax trees.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from backpath.catalog.files import ContentFiles
from backpath.catalog.lesson_files import load_yaml, read_images
from backpath.catalog.markdown_scan import scan_markdown
from backpath.catalog.schema import (
    PROJECT_POINTS,
    SERVICES_MEMORY_MB,
    SERVICES_PIDS,
    SLUG_PATTERN,
    AssignmentFile,
    WrongFile,
)
from backpath.catalog.text_checks import check_text
from backpath.catalog.tree import AssignmentContent, WrongSolution
from backpath.catalog.yaml_lines import LocatedYaml

Report = Callable[[tuple[str | int, ...], str, str], None]
"""Takes a key path of the YAML file, a message and a remedy."""

_ASSIGNMENT: Final = TypeAdapter(AssignmentFile).validate_python
_WRONG: Final = TypeAdapter(WrongFile).validate_python
_FOLDERS = ("starter", "public", "grader", "reference", "wrong")


def read_assignments(files: ContentFiles) -> list[AssignmentContent]:
    """All assignments below the root of `files`, by slug, whatever their problems."""
    found = []
    for directory in files.folders(files.root):
        if not re.fullmatch(SLUG_PATTERN, directory.name):
            files.report(
                directory,
                0,
                f"`{directory.name}` cannot be the slug of an assignment.",
                "Name the folder in lower-case words joined by hyphens.",
            )
            continue
        if assignment := _read_assignment(files, directory):
            found.append(assignment)
    return found


def _read_assignment(files: ContentFiles, directory: Path) -> AssignmentContent | None:
    path = directory / "assignment.yaml"
    meta, located = load_yaml(files, path, _ASSIGNMENT)
    spec_path = directory / "spec.md"
    spec = files.read_text(spec_path) or ""
    scan = scan_markdown(spec)
    check_text(
        scan,
        lambda line, message, remedy: files.report(spec_path, line, message, remedy),
        tags_required=False,
    )
    images = read_images(files, spec_path, scan)
    for name in _FOLDERS:
        _check_folder(files, directory / name)
    bound = _bound_checks(files, directory / "grader")
    if meta is None:
        files.unread.add(directory.name)
        return None
    _check_definition(files, path, meta, located)
    _check_bindings(files, path, meta, located, bound)
    _check_references(files, directory, meta, located)
    return AssignmentContent(
        slug=directory.name,
        file=files.name(path),
        directory=directory,
        meta=meta,
        spec=spec,
        spec_scan=scan,
        wrong=tuple(_read_wrong(files, directory / "wrong", meta)),
        images=images,
        check_lines={
            check.id: located.line_of(("checks", index)) for index, check in enumerate(meta.checks)
        },
        need_lines=tuple(located.line_of(("needs", i)) for i in range(len(meta.needs))),
    )


def _check_folder(files: ContentFiles, directory: Path) -> None:
    if not files.is_folder(directory):
        files.report(directory, 0, "The folder is missing.", "Add it with its files.")
        return
    found = files.walk(directory)
    if not found:
        files.report(directory, 0, "The folder holds no files.", "Add them.")
    if directory.name in {"grader", "public"} and not any(
        path.name.startswith("test_") and path.suffix == ".py" for path in found
    ):
        message = "The folder holds no test file."
        files.report(directory, 0, message, "Add one named `test_….py`.")


def _check_definition(
    files: ContentFiles, path: Path, meta: AssignmentFile, located: LocatedYaml
) -> None:
    def report(key: tuple[str | int, ...], message: str, remedy: str) -> None:
        files.report(path, located.line_of(key), message, remedy)

    if meta.slug != path.parent.name:
        message = f"The slug `{meta.slug}` is not the name of the folder."
        report(("slug",), message, f"Write `{path.parent.name}`.")
    total = sum(check.points for check in meta.checks)
    if total != PROJECT_POINTS:
        message = f"The points of all checks total {total}."
        report(("checks",), message, f"Make them total {PROJECT_POINTS}.")
    limits = meta.limits
    if limits.cpu_seconds is not None:
        most = limits.wall_seconds * limits.app_cpus
        if limits.cpu_seconds > most:
            message = f"No run can compute for {limits.cpu_seconds} s: {most:g} s is all there is."
            report(("limits", "cpu_seconds"), message, "Leave it out, or lower it.")
    _check_services(meta, report)
    groups: set[str] = set()
    for index, group in enumerate(meta.groups):
        if group.id in groups:
            report(("groups", index), f"The group `{group.id}` appears twice.", "Merge them.")
        groups.add(group.id)
        members = [check for check in meta.checks if check.group == group.id]
        if not members:
            report(("groups", index), f"The group `{group.id}` has no check.", "Remove it.")
        elif group.gate and not any(check.blocking for check in members):
            message = f"No check of the gate `{group.id}` is blocking, so it can stop nothing."
            report(("groups", index), message, "Mark one check `blocking: true`.")
    _check_order(meta, report, groups)


def _check_services(meta: AssignmentFile, report: Report) -> None:
    for index, service in enumerate(meta.services):
        if service in meta.services[:index]:
            report(("services", index), f"`{service}` appears twice.", "Name each service once.")
    if not meta.services:
        return
    for name, least, unit in (
        ("app_memory_mb", SERVICES_MEMORY_MB, "MiB"),
        ("app_pids", SERVICES_PIDS, "processes"),
    ):
        if getattr(meta.limits, name) < least:
            message = f"With services the app needs at least {least} {unit}."
            report(("limits", name), message, "Raise the limit, which they share.")


def _check_order(meta: AssignmentFile, report: Report, groups: set[str]) -> None:
    seen: set[str] = set()
    every = {check.id for check in meta.checks}
    cycle = _requires_cycle({check.id: check.requires for check in meta.checks})
    if cycle:
        index = next(i for i, check in enumerate(meta.checks) if check.id == cycle[0])
        message = f"The checks require each other: {' -> '.join(cycle)}."
        report(("checks", index, "requires"), message, "Remove one of the arrows.")
    for index, check in enumerate(meta.checks):
        if check.id in seen:
            report(("checks", index), f"The check `{check.id}` appears twice.", "Ids are unique.")
        if check.group not in groups:
            message = f"The check `{check.id}` belongs to no group."
            report(("checks", index, "id"), message, "Ids are `<group>.<name>`.")
        for position, required in enumerate(check.requires):
            key = ("checks", index, "requires", position)
            if required not in every:
                report(key, f"There is no check `{required}`.", "Correct the id.")
            elif required not in seen and required not in cycle:
                message = f"`{check.id}` requires `{required}`, which runs later."
                report(key, message, "Checks run in the order of the file: move one.")
        seen.add(check.id)


def _requires_cycle(requires: dict[str, list[str]]) -> list[str]:
    """One cycle of the graph, first id repeated at the end; [] when there is none."""
    finished: set[str] = set()
    for start, first in requires.items():
        if start in finished:
            continue
        trail = [start]
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(first))]
        while stack:
            current, following = stack[-1]
            step = next(following, None)
            if step is None:
                stack.pop()
                trail.pop()
                finished.add(current)
            elif step in trail:
                return [*trail[trail.index(step) :], step]
            elif step in requires and step not in finished:
                trail.append(step)
                stack.append((step, iter(requires[step])))
    return []


def _bound_checks(files: ContentFiles, directory: Path) -> list[tuple[str, Path, int]]:
    """Every `@check("id")` of the suite: id, file, line."""
    found: list[tuple[str, Path, int]] = []
    if not files.is_folder(directory):
        return found
    for path in files.walk(directory):
        if path.suffix != ".py":
            continue
        source = files.read_text(path)
        if source is None:
            continue
        try:
            tree = ast.parse(source, filename=path.name)
        except (SyntaxError, RecursionError) as error:
            line = getattr(error, "lineno", 0) or 0
            message = getattr(error, "msg", None) or "nested too deeply"
            files.report(path, line, f"This is not valid Python: {message}.", "Correct it.")
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.extend(_check_decorators(files, path, node))
    return found


def _check_decorators(
    files: ContentFiles, path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[tuple[str, Path, int]]:
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        function = decorator.func
        name = function.attr if isinstance(function, ast.Attribute) else None
        name = function.id if isinstance(function, ast.Name) else name
        if name != "check":
            continue
        line = decorator.lineno
        argument = decorator.args[0] if len(decorator.args) == 1 else None
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            remedy = 'Write the id as plain text: `@check("group.name")`.'
            files.report(path, line, "The id of this check cannot be read.", remedy)
        else:
            yield argument.value, path, line
        if not node.name.startswith("test_"):
            message = f"`{node.name}` is bound to a check, but pytest does not collect it."
            files.report(path, node.lineno, message, "Begin its name with `test_`.")


def _check_bindings(
    files: ContentFiles,
    path: Path,
    meta: AssignmentFile,
    located: LocatedYaml,
    bound: list[tuple[str, Path, int]],
) -> None:
    every = {check.id for check in meta.checks}
    first: dict[str, tuple[Path, int]] = {}
    for check_id, test_path, line in bound:
        if check_id not in every:
            message = f"The check `{check_id}` is not in assignment.yaml."
            files.report(test_path, line, message, "Correct the id, or add the check.")
        elif check_id in first:
            other, other_line = first[check_id]
            message = f"The check `{check_id}` is bound at {other.name}:{other_line} too."
            files.report(test_path, line, message, "Bind each check to one test.")
        first.setdefault(check_id, (test_path, line))
    for index, check in enumerate(meta.checks):
        if check.id not in first:
            line = located.line_of(("checks", index))
            remedy = f'Write a test with `@check("{check.id}")` in grader/.'
            files.report(path, line, f"No test is bound to the check `{check.id}`.", remedy)


def _check_references(
    files: ContentFiles, directory: Path, meta: AssignmentFile, located: LocatedYaml
) -> None:
    folder = directory / "reference"
    names = {path.name for path in files.folders(folder)} if files.is_folder(folder) else set()
    listed = meta.solutions.reference
    for index, name in enumerate(listed):
        if name not in names or not files.walk(folder / name):
            line = located.line_of(("solutions", "reference", index))
            message = f"The reference `{name}` has no files in reference/{name}/."
            files.report(directory / "assignment.yaml", line, message, "Add them.")
    for name in sorted(names - set(listed)):
        remedy = "List it under `solutions: reference:`, or remove it."
        files.report(folder / name, 0, "This reference is not listed.", remedy)


def _read_wrong(files: ContentFiles, folder: Path, meta: AssignmentFile) -> Iterator[WrongSolution]:
    if not files.is_folder(folder):
        return
    for directory in files.folders(folder):
        path = directory / "wrong.yaml"
        wrong, located = load_yaml(files, path, _WRONG)
        has_patch = files.is_file(directory / "change.patch")
        others = [
            found
            for found in files.walk(directory)
            if found.relative_to(directory).as_posix() not in {"wrong.yaml", "change.patch"}
        ]
        if has_patch == bool(others):
            message = (
                "The folder holds both a patch and files."
                if has_patch
                else "The folder holds neither files nor a change.patch."
            )
            files.report(directory, 0, message, "Give a whole solution, or a patch on one.")
        if wrong is None:
            continue
        _check_wrong(files, path, wrong, located, meta, has_patch=has_patch)
        yield WrongSolution(directory.name, directory, wrong, has_patch)


def _check_wrong(
    files: ContentFiles,
    path: Path,
    wrong: WrongFile,
    located: LocatedYaml,
    meta: AssignmentFile,
    *,
    has_patch: bool,
) -> None:
    def report(key: tuple[str | int, ...], message: str, remedy: str) -> None:
        files.report(path, located.line_of(key), message, remedy)

    if has_patch and wrong.base not in meta.solutions.reference:
        message = f"The patch's base `{wrong.base}` is no reference."
        report(("base",), message, "Name the reference that it changes: `base: flask`.")
    if not has_patch and wrong.base is not None:
        report(("base",), "A whole solution has no base.", "Remove `base`.")
    every = {check.id for check in meta.checks}
    place: dict[str, str] = {}
    for key in ("must_fail", "may_fail", "not_reached"):
        for index, check_id in enumerate(getattr(wrong, key)):
            if check_id not in every:
                report((key, index), f"There is no check `{check_id}`.", "Correct the id.")
            elif check_id in place:
                message = f"`{check_id}` is in `{place[check_id]}` too."
                report((key, index), message, "Name each check once.")
            place.setdefault(check_id, key)
    for check_id in wrong.words:
        if place.get(check_id) not in {"must_fail", "may_fail"}:
            message = f"`words` names `{check_id}`, which is not expected to fail."
            report(("words", check_id), message, "Add it to `must_fail`, or remove the words.")
