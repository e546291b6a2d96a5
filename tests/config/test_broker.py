"""The broker's folder, through kombu as Celery uses it."""

import threading
from pathlib import Path
from typing import Any

import pytest
from celery.events import EventDispatcher
from kombu import Connection, Exchange, Queue

from backpath.config.broker import TRANSPORT, broker_settings

QUEUE = Queue("projects", Exchange("projects", type="direct"), routing_key="projects")
OTHER = Queue("exercises", Exchange("exercises", type="direct"), routing_key="exercises")


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    settings = broker_settings(redis_url="", folder=tmp_path, visibility_timeout_seconds=60)
    options: dict[str, Any] = settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    return options


def connect(options: dict[str, Any]) -> Connection:
    return Connection("filesystem://localhost", transport=TRANSPORT, transport_options=options)


def publish(options: dict[str, Any], *bodies: str, queue: Queue = QUEUE) -> None:
    with connect(options) as connection, connection.Producer() as producer:
        for body in bodies:
            producer.publish(
                body, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue]
            )


def take_all(options: dict[str, Any], queue: Queue = QUEUE) -> list[str]:
    with connect(options) as connection:
        bound = queue.bind(connection.channel())
        bound.declare()
        taken = []
        while message := bound.get(no_ack=True):
            taken.append(message.payload)
        return taken


def test_messages_come_out_in_the_order_they_went_in(options: dict[str, Any]) -> None:
    publish(options, *"abcdefghij")
    assert take_all(options) == list("abcdefghij")
    assert take_all(options) == []


def test_queues_are_separate(options: dict[str, Any]) -> None:
    publish(options, "project")
    publish(options, "exercise", queue=OTHER)
    assert take_all(options) == ["project"]
    assert take_all(options, OTHER) == ["exercise"]


def test_nothing_is_left_behind(options: dict[str, Any], tmp_path: Path) -> None:
    publish(options, "a", "b")
    take_all(options)
    assert list((tmp_path / "messages").iterdir()) == []
    assert list((tmp_path / "taken").iterdir()) == []


def test_what_nobody_listens_to_is_not_kept(options: dict[str, Any], tmp_path: Path) -> None:
    """Celery's workers publish a heartbeat every two seconds, for monitors that are not there."""
    with connect(options) as connection:
        dispatcher = EventDispatcher(connection, enabled=True)
        dispatcher.send("worker-heartbeat")
        dispatcher.close()
    assert list((tmp_path / "messages").iterdir()) == []


def test_a_message_that_is_still_being_written_is_not_seen(
    options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "messages/1-a.part").write_text('{"half')
    publish(options, "whole")
    assert take_all(options) == ["whole"]


def test_each_message_is_taken_once(options: dict[str, Any]) -> None:
    sent = [str(number) for number in range(60)]
    publish(options, *sent)
    taken: list[str] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            taken.extend(take_all(options))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(taken) == sorted(sent)


def test_processes_that_send_at_once_lose_nothing(options: dict[str, Any]) -> None:
    errors: list[Exception] = []
    start = threading.Barrier(6)

    def send(number: int) -> None:
        try:
            start.wait()
            publish(options, str(number))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(take_all(options)) == list("012345")


def test_broadcasts_leave_no_files(options: dict[str, Any], tmp_path: Path) -> None:
    monitors = Exchange("monitors", type="fanout")
    with connect(options) as connection, connection.Producer() as producer:
        producer.publish("worker-online", exchange=monitors, declare=[monitors])
    assert list((tmp_path / "messages").iterdir()) == []


def test_the_folder_may_be_emptied_while_processes_run(
    options: dict[str, Any], tmp_path: Path
) -> None:
    with connect(options) as connection, connection.Producer() as producer:
        for body in ("before", "after"):
            producer.publish(
                body, exchange=QUEUE.exchange, routing_key=QUEUE.routing_key, declare=[QUEUE]
            )
            for path in (tmp_path / "messages").iterdir():
                if body == "before":
                    path.unlink()
    assert take_all(options) == ["after"]
