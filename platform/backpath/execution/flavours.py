"""Guessing from a submission what it will import, so that a container that has done so is taken.

A wrong guess costs time and nothing else, so hostile archives need no care here.
"""

import re
from typing import Final

# In the order of what a project is called after when it mentions several.
FLAVOURS: Final = ("django", "fastapi", "flask", "plain")
# What the sandbox knows how to import, by the word that gives its use away.
_WORDS: Final = {
    name: re.compile(rb"\b" + name.encode() + rb"\b")
    for name in (
        "django",
        "fastapi",
        "flask",
        "gunicorn",
        "httpx",
        "ninja",
        "pydantic",
        "sqlalchemy",
        "uvicorn",
        "waitress",
    )
}
# A look at the beginning tells; nobody searches a hundred megabytes of data files.
SEARCHED_BYTES: Final = 1 << 20


def preload_names(submission_tar: bytes) -> list[str]:
    """Return what the app's container should import for this submission, sorted."""
    head = submission_tar[:SEARCHED_BYTES].lower()
    found = {name for name, word in _WORDS.items() if word.search(head)}
    return sorted(found)


def flavour_of(names: list[str]) -> str:
    """Return the kind of warm container that suits these imports best."""
    return next((flavour for flavour in FLAVOURS if flavour in names), "plain")


def preload_of(flavour: str) -> list[str]:
    """Return what a warm container of `flavour` imports."""
    return {
        "django": ["django", "ninja"],
        "fastapi": ["fastapi"],
        "flask": ["flask"],
    }.get(flavour, [])
