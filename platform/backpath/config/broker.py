"""The broker: Redis where `REDIS_URL` is given, else a folder that needs no server.

The folder transport is kombu's, made fit for several processes starting and working at
once: a message appears whole or not at all, is claimed by one rename on the same file
system, and finds its queue without any shared table.

Either broker may lose or repeat a message. The job's row in the database says what is
to be done; a message only says when to look.
"""

import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

POLLING_SECONDS: Final = 0.04
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
    folders = {name: folder / name for name in ("messages", "taken")}
    for path in folders.values():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "CELERY_BROKER_URL": "filesystem://localhost",
        "CELERY_BROKER_TRANSPORT": TRANSPORT,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "processed_folder": str(folders["taken"]),
            "polling_interval": POLLING_SECONDS,
        },
    }


class FolderChannel(filesystem.Channel):
    """kombu's file system channel with atomic writes and claims.

    Serves direct exchanges whose queue has the exchange's name, which is all that grading
    needs.
    """

    def _put(  # type: ignore[override]  # kombu's signature
        self,
        queue: str,
        payload: Any,
        **kwargs: Any,  # noqa: ARG002 - kombu's signature
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        aside = folder / f"{name}.part"
        aside.write_text(dumps(payload), encoding="utf-8")
        aside.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - kombu's signature
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

    def get_table(self, exchange: str) -> list[Any]:
        """The queues bound to an exchange: the one of the same name, without any record of it.

        kombu keeps the bindings in files, which a reader may find half-written, and which
        nobody writes again when they are lost.
        """
        return [filesystem.exchange_queue_t(exchange, "", exchange)]

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        """The queues that a message goes to: none unless the exchange is a direct one.

        Workers tell a topic exchange every two seconds that they live. Nobody here listens, and
        files that nobody reads would pile up.
        """
        if exchange and self.typeof(exchange).type != "direct":
            return []
        return list(super()._lookup(exchange, routing_key, default))

    def _queue_bind(self, *binding: Any) -> None:
        """Nothing is recorded: see `get_table`."""

    def _put_fanout(self, *message: Any, **options: Any) -> None:
        """Broadcasts are for monitors; there is none, and files that nobody reads would pile up."""


class FolderTransport(filesystem.Transport):
    Channel = FolderChannel
