"""The front door behind ``./dev``: run, test, check and inspect a checkout."""
