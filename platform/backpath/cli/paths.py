"""Where the command line finds and keeps things."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PLATFORM = REPOSITORY / "platform"
REQUIREMENTS = REPOSITORY / "requirements"


def user_cache() -> Path:
    """Folder for downloads that outlive a checkout (``BACKPATH_CACHE_DIR`` moves it)."""
    chosen = os.environ.get("BACKPATH_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backpath"


def data_directory() -> Path:
    """Folder of the database, the submissions and the secret key."""
    chosen = os.environ.get("BACKPATH_DATA_DIR")
    return Path(chosen).expanduser().resolve() if chosen else REPOSITORY / ".backpath"
