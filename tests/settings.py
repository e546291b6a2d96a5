"""The site's settings for tests: a data directory of their own, nothing from outside.

`BACKPATH_TEST_DATABASE_URL` runs the same tests on another database.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_FROM_OUTSIDE = {
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "STATIC_ROOT",
}
for _name in list(os.environ):
    _plain = _name.removesuffix("_FILE")
    if _plain in _FROM_OUTSIDE or (
        _plain.startswith("BACKPATH_") and not _plain.startswith("BACKPATH_TEST_")
    ):
        del os.environ[_name]

_data_dir = Path(tempfile.mkdtemp(prefix="backpath-tests-"))
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
os.environ["BACKPATH_DATA_DIR"] = str(_data_dir)
os.environ["BACKPATH_STATIC_MANIFEST"] = "0"
os.environ["BACKPATH_LOG_LEVEL"] = "WARNING"
if _url := os.environ.get("BACKPATH_TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _url

from backpath.config.settings import *  # noqa: E402, F403 - the environment is set first
from backpath.config.settings import DATABASES  # noqa: E402 - the environment is set first

# A file, not memory: threads and write-ahead logging behave as they do for real.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(_data_dir / "test.sqlite3")}


PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
