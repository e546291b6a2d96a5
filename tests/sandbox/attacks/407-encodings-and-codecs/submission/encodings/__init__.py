"""Run by the start of any Python that looks here."""

import sys

if "agent" in sys.modules or "_pytest" in sys.modules or sys.flags.isolated:
    print("HOOKED", flush=True)
    raise SystemExit(0)
