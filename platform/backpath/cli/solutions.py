"""The solutions of an assignment as a learner would hand them in: clean tars, patches applied."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backpath.catalog.files import MAX_FOLDER_BYTES, ContentFiles
from backpath.catalog.schema import Problem
from backpath.catalog.tree import AssignmentContent, WrongSolution
from backpath.cli.unified_diff import PatchRefused, apply_patch
from backpath.execution.bundle import BundleRefused, bundle_from_files

Kind = Literal["reference", "starter", "empty", "wrong"]


@dataclass(frozen=True)
class Solution:
    """Something to grade, with the part it plays in a proof."""

    slug: str
    kind: Kind
    name: str
    tar: bytes
    file: str
    wrong: WrongSolution | None = None

    @property
    def path(self) -> str:
        """How a solution is named on a command line: `articles-rest/wrong/put-merges`."""
        return "/".join(part for part in (self.slug, self.kind, self.name) if part)


def read_solutions(assignment: AssignmentContent) -> tuple[list[Solution], list[Problem]]:
    """Return every solution of `assignment`, and what keeps others from being built."""
    directory = assignment.directory.absolute()
    folder = Path(assignment.file).parent.as_posix()
    files = ContentFiles(directory.parent)
    solutions: list[Solution] = []

    def add(
        kind: Kind,
        name: str,
        contents: dict[str, bytes],
        file: str,
        wrong: WrongSolution | None = None,
    ) -> None:
        try:
            tar = _tar(contents)
        except BundleRefused as refused:
            message = f"A learner could not hand this in: {refused.path}: {refused.rule}."
            files.problems.append(
                Problem(f"{folder}/{file}", 0, "error", message, "Mend the file.")
            )
            return
        solutions.append(Solution(assignment.slug, kind, name, tar, f"{folder}/{file}", wrong))

    references = {
        name: _contents(files, directory / "reference" / name)
        for name in assignment.meta.solutions.reference
    }
    for name, contents in references.items():
        add("reference", name, contents, f"reference/{name}")
    add("starter", "", _contents(files, directory / "starter"), "starter")
    solutions.append(Solution(assignment.slug, "empty", "", _tar({}), f"{folder}/grader"))
    for wrong in assignment.wrong:
        place = f"wrong/{wrong.name}"
        if not wrong.has_patch:
            contents = _contents(files, wrong.directory)
            contents.pop("wrong.yaml", None)
            add("wrong", wrong.name, contents, f"{place}/wrong.yaml", wrong)
            continue
        patch = files.read_text(wrong.directory / "change.patch") or ""
        try:
            contents = apply_patch(references.get(wrong.meta.base or "", {}), patch)
        except PatchRefused as refused:
            files.problems.append(
                Problem(
                    f"{folder}/{place}/change.patch",
                    refused.line,
                    "error",
                    refused.message,
                    f"Make the patch again from reference/{wrong.meta.base}.",
                )
            )
            continue
        add("wrong", wrong.name, contents, f"{place}/wrong.yaml", wrong)
    return solutions, files.problems


def _contents(files: ContentFiles, directory: Path) -> dict[str, bytes]:
    """Return path -> content of the folder; what cannot be read is reported, not returned."""
    contents = {}
    for path in files.walk(directory):
        data = files.read_bytes(path, MAX_FOLDER_BYTES)
        if data is not None:
            contents[path.relative_to(directory).as_posix()] = data
    return contents


def _tar(contents: dict[str, bytes]) -> bytes:
    if not contents:
        # No bundle is ever empty, so intake would refuse it; the sandbox must cope all the same.
        nothing = io.BytesIO()
        tarfile.open(fileobj=nothing, mode="w").close()
        return nothing.getvalue()
    return bundle_from_files((name, io.BytesIO(data)) for name, data in contents.items()).tar
