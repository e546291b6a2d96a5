"""Log lines: one JSON object each for machines, or plain text for people."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
}


def extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller passed as `extra=`, without the record's own attributes."""
    return {
        key: value
        for key, value in vars(record).items()
        if key not in _STANDARD_FIELDS and not key.startswith("_") and key != "request"
    }


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; values JSON does not know become text."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= extra_fields(record)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=True)


class PlainFormatter(logging.Formatter):
    """Formats a record as text, with extra fields as `key=value` at its end.

    Line breaks inside the message are escaped, so that a hostile text cannot pretend
    to be another log line.
    """

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S")
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        extra = "".join(f" {key}={value!r}" for key, value in extra_fields(record).items())
        line = f"{at} {record.levelname.lower()} {record.name}: {message}{extra}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return line


def logging_settings(*, style: str, level: str) -> dict[str, Any]:
    """Django's `LOGGING`; `style` is `json` or `plain`, `level` a standard level name."""
    formatters = {
        "json": {"()": "backpath.config.logs.JsonFormatter"},
        "plain": {"()": "backpath.config.logs.PlainFormatter"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django attaches handlers of its own unless they are emptied here.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
