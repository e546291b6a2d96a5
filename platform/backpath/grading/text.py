"""Hostile text made fit to store and to show.

Whatever a sandbox says may hold NULs (PostgreSQL refuses them), escape codes, characters
that turn the reading direction around, half a surrogate pair, or a hundred megabytes.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from backpath.execution.outcome import LIMIT_KINDS, LimitHit
from backpath.execution.text import clean_text as without_unsafe

MESSAGE_LIMIT: Final = 4_000
VALUE_LIMIT: Final = 10_000
OUTPUT_LIMIT: Final = 10_000
LOG_LIMIT: Final = 20_000
NAME_LIMIT: Final = 200
EXCHANGES_KEPT: Final = 5
HEADERS_KEPT: Final = 40
MAX_INTEGER: Final = 2**31 - 1
MAX_AMOUNT: Final = 1e12
LIMIT_UNITS: Final = frozenset({"s", "MiB", "processes", "files", "bytes"})


def clean_text(value: object, *, limit: int, keep: Literal["start", "end"] = "start") -> str:
    """`value` as text without unsafe characters, at most `limit` characters and a notice.

    `keep` says which end survives: the start of a message, the end of a log.
    """
    text = value if isinstance(value, str) else "" if value is None else str(value)
    # Nothing beyond this can survive, so nothing beyond it is scanned.
    slack = limit * 4
    omitted = max(0, len(text) - slack)
    text = text[:slack] if keep == "start" else text[len(text) - min(len(text), slack) :]
    text = without_unsafe(text)
    omitted += max(0, len(text) - limit)
    if not omitted:
        return text
    notice = f"[{omitted:,} more characters are not shown]"
    if keep == "start":
        return f"{text[:limit]}\n{notice}"
    return f"{notice}\n{text[-limit:]}"


def clean_optional(value: object, *, limit: int) -> str | None:
    """As `clean_text`; None stays None, for "nothing was expected" is not "" was expected."""
    return None if value is None else clean_text(value, limit=limit)


def clean_integer(value: object, *, default: int = 0) -> int:
    """A whole number from 0 to 2**31 - 1; anything else is `default`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    # An integer may be too large to ask whether it is finite.
    if isinstance(value, float) and not math.isfinite(value):
        return default
    return max(0, min(int(value), MAX_INTEGER))


def clean_mapping(value: object, *, limit: int, entries: int) -> dict[str, str]:
    """The first `entries` of a mapping, names and values as clean text."""
    if not isinstance(value, Mapping):
        return {}
    return {
        clean_text(name, limit=NAME_LIMIT): clean_text(entry, limit=limit)
        for name, entry in list(value.items())[:entries]
    }


def clean_timings(value: object) -> dict[str, float]:
    """Phase -> seconds, with numbers from 0 to 2**31 - 1 only."""
    if not isinstance(value, Mapping):
        return {}
    return {
        clean_text(name, limit=NAME_LIMIT): round(float(seconds), 4)
        for name, seconds in list(value.items())[:20]
        if isinstance(seconds, int | float) and 0 <= seconds <= MAX_INTEGER
    }


def clean_limit(value: object) -> dict[str, Any] | None:
    """A limit as the report keeps it: `kind`, `limit`, `used` (may be None) and `unit`.

    None for what is not a limit of a known kind and unit with a number of at least 0.
    """
    if not isinstance(value, LimitHit):
        return None
    limit = _clean_amount(value.limit)
    if value.kind not in LIMIT_KINDS or value.unit not in LIMIT_UNITS or limit is None:
        return None
    return {
        "kind": value.kind,
        "limit": limit,
        "used": _clean_amount(value.used),
        "unit": value.unit,
    }


def _clean_amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(float(value), 2) if 0 <= value <= MAX_AMOUNT else None


def clean_exchanges(value: object) -> list[dict[str, Any]]:
    """The last HTTP exchanges of a check, with exactly the keys that the report shows."""
    if not isinstance(value, list | tuple):
        return []
    return [_clean_exchange(entry) for entry in value[-EXCHANGES_KEPT:] if isinstance(entry, dict)]


def _clean_exchange(entry: dict[str, Any]) -> dict[str, Any]:
    status = entry.get("status")
    return {
        "curl": clean_text(entry.get("curl"), limit=VALUE_LIMIT),
        "method": clean_text(entry.get("method"), limit=NAME_LIMIT),
        "path": clean_text(entry.get("path"), limit=MESSAGE_LIMIT),
        "status": None if status is None else clean_integer(status),
        "response_headers": clean_mapping(
            entry.get("response_headers"), limit=1_000, entries=HEADERS_KEPT
        ),
        "response_body": clean_text(entry.get("response_body"), limit=VALUE_LIMIT),
        "elapsed_ms": clean_integer(entry.get("elapsed_ms")),
        "error": clean_optional(entry.get("error"), limit=MESSAGE_LIMIT),
    }
