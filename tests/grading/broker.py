"""Reading the messages that were sent, out of the broker's folder."""

import base64
import json
from pathlib import Path

from django.conf import settings


def messages_folder() -> Path:
    return Path(settings.BACKPATH_DATA_DIR) / "broker" / "messages"


def empty_broker() -> None:
    for path in messages_folder().iterdir():
        path.unlink()


def sent_jobs(queue: str) -> list[str]:
    """The job ids of the messages waiting in `queue`, in the order they were sent."""
    return [
        json.loads(base64.b64decode(json.loads(path.read_text())["body"]))[0][0]
        for path in sorted(messages_folder().glob(f"*.{queue}.msg"))
    ]
