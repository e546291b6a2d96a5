"""Text from inside a container, made harmless to store and to read."""

import re

# C0 and C1 controls but tab and newline; bidirectional controls; line separators; lone
# surrogates; the byte order mark. They can hide, reorder or forge what an operator or a
# learner reads, and PostgreSQL refuses NUL.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ANSI = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")


def clean_text(text: str) -> str:
    """Return `text` without escape sequences, control and bidirectional characters."""
    return _UNSAFE.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
