"""One tree of errors, split by whose fault they are, each with a code of its own."""

import re

from django.apps import apps

from backpath.core import errors
from backpath.core.errors import AuthorError, BackpathError, InfrastructureError, LearnerError


def everything_below(kind: type[BackpathError]) -> set[type[BackpathError]]:
    found = set(kind.__subclasses__())
    return found.union(*(everything_below(child) for child in found)) if found else found


def test_every_error_belongs_to_somebody_and_has_its_own_code() -> None:
    assert apps.ready, "the apps' modules must be loaded"
    found = everything_below(BackpathError)
    assert {LearnerError, AuthorError, InfrastructureError} <= found
    for kind in found:
        owners = {LearnerError, AuthorError, InfrastructureError}
        assert sum(issubclass(kind, owner) for owner in owners) == 1, kind
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code), kind
    codes = [kind.code for kind in found]
    assert len(codes) == len(set(codes)), "an error repeats the code of another"


def test_message_is_kept() -> None:
    error = LearnerError("The file is empty.")
    assert (str(error), error.message) == ("The file is empty.", "The file is empty.")


def test_tree_is_drawn() -> None:
    assert errors.__doc__ is not None
    for kind in (BackpathError, LearnerError, AuthorError, InfrastructureError):
        assert kind.__name__ in errors.__doc__
