"""What content files say about each other: order, needs, links, quizzes, lesson sections."""

from collections.abc import Callable

from backpath.catalog.schema import Problem, Severity
from backpath.catalog.text_checks import LinkTargets, check_links, lesson_link_problem
from backpath.catalog.tree import AssignmentContent, ContentTree, LessonContent, PathContent

Report = Callable[[str, int, str, str, Severity], None]


def check_references(tree: ContentTree) -> list[Problem]:
    """Every problem between files of `tree`.

    What could not be read is not reported again by those who refer to it.
    """
    problems: list[Problem] = []

    def report(file: str, line: int, message: str, remedy: str, severity: Severity) -> None:
        problems.append(Problem(file, line, severity, message, remedy))

    lessons = list(tree.lessons())
    targets = LinkTargets(
        lesson_ids={lesson.slug: lesson.scan.heading_ids for lesson in lessons},
        planned=tree.planned,
        assignments={assignment.slug for assignment in tree.assignments},
        unread=tree.unread,
    )
    _check_slugs(tree, report)
    _check_planned(tree, targets, report)
    _check_projects(tree, targets, report)
    order = {lesson.slug: index for index, lesson in enumerate(lessons)}
    for lesson in lessons:
        _check_lesson(lesson, order, targets, report)
    for assignment in tree.assignments:
        _check_assignment(assignment, targets, report)
    return problems


def _check_slugs(tree: ContentTree, report: Report) -> None:
    seen: dict[str, str] = {}
    for lesson in tree.lessons():
        if lesson.slug in seen:
            message = f"The slug `{lesson.slug}` is used by {seen[lesson.slug]} too."
            report(lesson.file, 0, message, "Slugs are unique over all lessons.", "error")
        seen.setdefault(lesson.slug, lesson.file)
    codes: dict[str, str] = {}
    positions: dict[int, str] = {}
    for path in tree.paths:
        if path.meta.position in positions:
            message = f"The position is that of {positions[path.meta.position]} too."
            report(path.file, 0, message, "Give each path its own.", "error")
        positions.setdefault(path.meta.position, path.file)
        slugs: set[str] = set()
        for module in path.modules:
            if module.slug in slugs:
                message = f"The path has two modules `{module.slug}`."
                report(module.file, 0, message, "Slugs are unique in a path.", "error")
            slugs.add(module.slug)
            if module.meta.code in codes:
                message = f"The code {module.meta.code} is used by {codes[module.meta.code]} too."
                report(module.file, 0, message, "Give each module its own.", "error")
            codes.setdefault(module.meta.code, module.file)
            if not module.lessons:
                report(module.file, 0, "The module has no lesson.", "Add one.", "warning")


def _check_planned(tree: ContentTree, targets: LinkTargets, report: Report) -> None:
    def line(path: PathContent, index: int) -> int:
        return path.planned_lines[index] if index < len(path.planned_lines) else 0

    for path in tree.paths:
        for index, slug in enumerate(path.meta.planned):
            if slug in targets.lesson_ids:
                message = f"The lesson `{slug}` is written."
                report(path.file, line(path, index), message, "Remove it here.", "error")


def _check_projects(tree: ContentTree, targets: LinkTargets, report: Report) -> None:
    placed: dict[str, str] = {}
    for module in tree.modules():
        for index, slug in enumerate(module.meta.projects):
            line = module.project_lines[index] if index < len(module.project_lines) else 0
            if slug in targets.unread:
                continue
            if slug not in targets.assignments:
                remedy = f"Write graders/{slug}/, or correct the slug."
                report(module.file, line, f"There is no assignment `{slug}`.", remedy, "error")
            elif slug in placed:
                message = f"The assignment `{slug}` is in {placed[slug]} too."
                report(module.file, line, message, "Put it in one module.", "error")
            placed.setdefault(slug, module.file)
    codes: dict[str, str] = {}
    for assignment in tree.assignments:
        if assignment.slug not in placed:
            remedy = "Add it to `projects` of a module.yaml."
            report(assignment.file, 0, "No module names this assignment.", remedy, "warning")
        code = assignment.meta.code
        if code in codes:
            message = f"The code {code} is used by {codes[code]} too."
            report(assignment.file, 0, message, "Give each assignment its own.", "error")
        codes.setdefault(code, assignment.file)


def _check_lesson(
    lesson: LessonContent, order: dict[str, int], targets: LinkTargets, report: Report
) -> None:
    here = order[lesson.slug]
    for index, slug in enumerate(lesson.meta.needs):
        line = lesson.meta_lines.get(f"needs.{index}", 1)
        if slug == lesson.slug:
            report(lesson.file, line, "The lesson needs itself.", "Remove it.", "error")
        elif slug in order and order[slug] > here:
            remedy = "Move one of them, or remove the need."
            message = f"The needed lesson `{slug}` comes later."
            report(lesson.file, line, message, remedy, "error")
        elif slug not in order and not _is_known(slug, targets):
            message = f"There is no lesson `{slug}`."
            remedy = "Correct it, or list it under `planned` in path.yaml."
            report(lesson.file, line, message, remedy, "error")
    check_links(
        lesson.scan,
        targets,
        lambda line, message, remedy: report(lesson.file, line, message, remedy, "error"),
    )
    _check_quiz(lesson, order, targets, report)


def _is_known(slug: str, targets: LinkTargets) -> bool:
    """Whether a lesson that is not in the tree is one to come, or one that could not be read."""
    return slug in targets.planned or slug in targets.unread


def _check_quiz(
    lesson: LessonContent, order: dict[str, int], targets: LinkTargets, report: Report
) -> None:
    for item, line in zip(lesson.quiz, lesson.quiz_lines, strict=True):
        if item.from_lesson is None:
            if item.section is None:
                message = f"`{item.id}` names no section."
                remedy = "Name the heading id that teaches it: `section: …`."
                report(lesson.quiz_file, line, message, remedy, "error")
            elif item.section not in lesson.scan.heading_ids:
                known = ", ".join(sorted(lesson.scan.heading_ids)) or "none"
                message = f"The lesson has no section `{item.section}`."
                report(lesson.quiz_file, line, message, f"Its sections: {known}.", "error")
        elif item.from_lesson in order:
            if order[item.from_lesson] >= order[lesson.slug]:
                message = f"`{item.from_lesson}` is not an earlier lesson."
                remedy = "Take the review item from a lesson before this one."
                report(lesson.quiz_file, line, message, remedy, "error")
            elif problem := lesson_link_problem(item.from_lesson, item.section or "", targets):
                report(lesson.quiz_file, line, *problem, "error")
        elif not _is_known(item.from_lesson, targets):
            message = f"There is no lesson `{item.from_lesson}`."
            remedy = "Correct it, or list it under `planned` in path.yaml."
            report(lesson.quiz_file, line, message, remedy, "error")
        elif item.section is not None and item.from_lesson in targets.planned:
            message = f"The section of the planned lesson `{item.from_lesson}` is not known."
            report(lesson.quiz_file, line, message, "Leave `section` out.", "error")


def _check_assignment(assignment: AssignmentContent, targets: LinkTargets, report: Report) -> None:
    for index, slug in enumerate(assignment.meta.needs):
        line = assignment.need_lines[index] if index < len(assignment.need_lines) else 0
        if slug not in targets.lesson_ids and not _is_known(slug, targets):
            message = f"There is no lesson `{slug}`."
            remedy = "Correct it, or list it under `planned` in path.yaml."
            report(assignment.file, line, message, remedy, "error")
    for check in assignment.meta.checks:
        slug, _, anchor = check.lesson.partition("#")
        if problem := lesson_link_problem(slug, anchor, targets):
            line = assignment.check_lines.get(check.id, 0)
            report(assignment.file, line, *problem, "error")
    spec_file = f"{assignment.file.rpartition('/')[0]}/spec.md"
    check_links(
        assignment.spec_scan,
        targets,
        lambda line, message, remedy: report(spec_file, line, message, remedy, "error"),
    )
