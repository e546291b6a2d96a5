"""Log lines."""

import json
import logging
import sys

from backpath.config.logs import JsonFormatter, PlainFormatter


def make_record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("backpath.test", logging.WARNING, __file__, 1, message, args, None)
    vars(record).update(extra)
    return record


def failing_record() -> logging.LogRecord:
    record = make_record("failed")
    try:
        int("the reason")
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


def test_a_json_line() -> None:
    line = JsonFormatter().format(make_record("job %s", "7", job="7", fencing_number=2))
    fields = json.loads(line)
    assert fields.pop("at").endswith("+00:00")
    assert fields == {
        "level": "warning",
        "logger": "backpath.test",
        "message": "job 7",
        "job": "7",
        "fencing_number": 2,
    }


def test_json_is_one_line_whatever_it_says() -> None:
    line = JsonFormatter().format(make_record("a\nb\u2028c", value=object(), request="secret"))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == "a\nb\u2028c"
    assert "secret" not in line


def test_json_has_the_exception() -> None:
    fields = json.loads(JsonFormatter().format(failing_record()))
    assert "ValueError: invalid literal" in fields["exception"]


def test_a_plain_line() -> None:
    line = PlainFormatter().format(make_record("job %s", "7", job="7"))
    assert line.endswith("warning backpath.test: job 7 job='7'")


def test_a_message_cannot_pretend_to_be_another_line() -> None:
    line = PlainFormatter().format(make_record("one\n2026-01-01 info two\r", job="a\nb"))
    assert len(line.splitlines()) == 1


def test_a_plain_line_has_the_exception_below() -> None:
    lines = PlainFormatter().format(failing_record()).splitlines()
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1].startswith("ValueError: invalid literal")
