"""Which images are measured."""

from __future__ import annotations

import os

from backpath.cli.images import prepare_sandbox


def prepare_images() -> dict[str, str]:
    """The images to run: those that the environment names, both, else this checkout's."""
    app, runner = (os.environ.get(f"BACKPATH_{role}_IMAGE") for role in ("APP", "RUNNER"))
    return {"app_image": app, "runner_image": runner} if app and runner else prepare_sandbox()
