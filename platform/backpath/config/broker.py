"""The broker: Redis where `REDIS_URL` is given, else a folder that needs no server.

The folder transport is kombu's, with three corrections for several processes starting
and working at once: a message appears whole or not at all, is claimed by one rename on
the same file system, and the table of bindings is never seen half-written.

Either broker may lose or repeat a message. The job's row in the database says what is
to be done; a message only says when to look.
"""

import contextlib
import fcntl
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

POLLING_SECONDS: Final = 0.1
TRANSPORT: Final = "backpath.config.broker:FolderTransport"


def broker_settings(
    *, redis_url: str, folder: Path, visibility_timeout_seconds: int
) -> dict[str, Any]:
    """Celery's broker settings, as Django settings named `CELERY_BROKER_*`.

    Folders that the folder transport needs are made here.
    """
    if redis_url:
        return {
            "CELERY_BROKER_URL": redis_url,
            "CELERY_BROKER_TRANSPORT_OPTIONS": {
                "visibility_timeout": visibility_timeout_seconds,
                "global_keyprefix": "backpath:",
            },
        }
    folders = {name: folder / name for name in ("messages", "taken", "control")}
    for path in folders.values():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "CELERY_BROKER_URL": "filesystem://localhost",
        "CELERY_BROKER_TRANSPORT": TRANSPORT,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "processed_folder": str(folders["taken"]),
            "control_folder": str(folders["control"]),
            "polling_interval": POLLING_SECONDS,
        },
    }


class FolderChannel(filesystem.Channel):
    """kombu's file system channel with atomic writes and claims."""

    def _put(  # type: ignore[override]
        self,
        queue: str,
        payload: Any,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        aside = folder / f"{name}.part"
        aside.write_text(dumps(payload), encoding="utf-8")
        aside.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002
        taken = Path(self.processed_folder)
        for waiting in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            claimed = taken / waiting.name
            try:
                waiting.rename(claimed)
            except FileNotFoundError:
                continue  # another worker was faster
            payload = claimed.read_text(encoding="utf-8")
            claimed.unlink()
            return loads(payload)
        raise Empty

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str
    ) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        table_file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]
        with self._control_lock():
            bindings = self.get_table(exchange)
            if binding in bindings:
                return
            aside = table_file.with_suffix(f".{uuid.uuid4().hex}")
            aside.write_text(dumps([binding, *bindings]), encoding="utf-8")
            aside.replace(table_file)

    @contextlib.contextmanager
    def _control_lock(self) -> Iterator[None]:
        with (self.control_folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class FolderTransport(filesystem.Transport):
    Channel = FolderChannel
