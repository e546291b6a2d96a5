"""Attempts at the project `articles-rest` that really run: its Flask reference, made wrong."""

import io
import zipfile
from collections.abc import Sequence
from typing import Final

from backpath.cli.unified_diff import apply_patch
from tests.browser.running_site import REPOSITORY
from tests.browser.stages import PROJECT

EARLIER: Final = ("item-in-a-wrapper", "accepts-anything", "total-is-page-length", "no-openapi")
LATER: Final = ("item-in-a-wrapper", "total-is-page-length", "in-memory")


def make_wrong(names: Sequence[str]) -> bytes:
    """A zip of the Flask reference with the changes of several wrong solutions."""
    grader = REPOSITORY / "graders" / PROJECT
    reference = grader / "reference" / "flask"
    files = {
        path.relative_to(reference).as_posix(): path.read_bytes()
        for path in sorted(reference.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in names:
        files = apply_patch(files, (grader / "wrong" / name / "change.patch").read_text())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return target.getvalue()
