"""One clock for leases: hosts of workers and sweepers may disagree about the time."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """The present moment by the database's clock.

    With SQLite everything runs on one machine, so the machine's clock is the database's.
    PostgreSQL's `now()` stands still within a transaction; `clock_timestamp()` does not.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
