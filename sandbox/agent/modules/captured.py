"""The built-ins as they were before any learner code ran.

A test may patch `builtins.print` in the learner's process, and the learner may do worse; what
serves the calls must keep working.
"""

from __future__ import annotations

import builtins
from typing import Any

BUILTINS: dict[str, Any] = vars(builtins).copy()


def keep_builtins(module_globals: dict[str, Any]) -> None:
    """Let the functions that a module defines from here on find every built-in name as it is now.

    A function takes its built-ins from `__builtins__` of its globals when it is made.
    """
    module_globals["__builtins__"] = BUILTINS
