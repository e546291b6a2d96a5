"""The errors of the platform, split by whose fault they are.

    BackpathError
    ├── LearnerError          what was handed in or asked for is refused; shown to the learner
    ├── AuthorError           a content file is wrong; shown to whoever writes lessons and graders
    └── InfrastructureError   our side failed; retried, logged, never counted against a learner

Each error carries a `code` that never changes once published: logs, tests, the API and
templates refer to it. The wording may change freely. Apps derive their own errors from one
of the three, in the module that raises them.
"""

from typing import ClassVar


class BackpathError(Exception):
    """Base of all errors the platform raises on purpose.

    `code`: stable identifier in kebab case. `message`: one sentence for a person.
    """

    code: ClassVar[str] = "backpath-error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LearnerError(BackpathError):
    """The request or the files of a learner cannot be accepted as they are."""

    code: ClassVar[str] = "learner-error"


class AuthorError(BackpathError):
    """A content file (lesson, quiz, assignment, grader) is wrong."""

    code: ClassVar[str] = "author-error"


class InfrastructureError(BackpathError):
    """The platform itself failed: disk, database, broker, container engine."""

    code: ClassVar[str] = "infrastructure-error"
