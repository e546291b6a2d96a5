"""Hostile submissions with the verdict that each must get; see README.md here."""

import sys
from pathlib import Path

PLATFORM = Path(__file__).resolve().parents[3] / "platform"
# pytest sets this path itself; `python -m tests.sandbox.attacks.soak` has nobody to do it.
if str(PLATFORM) not in sys.path:
    sys.path.insert(0, str(PLATFORM))
