"""The SDK on its own: values that explain themselves, order, seeds, the HTTP client."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from backpath_sdk import http
from backpath_sdk.expectations import (
    CheckFailed,
    ServiceUnavailable,
    expect,
    expect_true,
    fail,
    render,
)
from backpath_sdk.http import AppDialer, HttpClient
from backpath_sdk.ordering import BadManifest, ordered_checks
from backpath_sdk.randomness import WORDS, Rng
from backpath_sdk.values import parse

# Values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda value: value["b"], "The answer has no `b`."),
        (lambda value: value["a"]["x"], "`a` in the answer has no `x`."),
        (lambda value: value["a"]["list"]["x"], "`a.list` in the answer is a list, not an object"),
        (lambda value: value["a"]["list"][5], "`a.list` in the answer has 2 entries"),
        (lambda value: value["a"]["list"][1]["x"], "`a.list[1]` in the answer has no `x`."),
    ],
)
def test_what_is_missing_from_an_answer_is_named_by_its_path(read, message):
    value = parse('{"a": {"list": [1, {"k": 2}]}}')

    with pytest.raises(CheckFailed) as caught:
        read(value)

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"a":' * 100 + "1" + "}" * 100, "9" * 100_000, "\x00", "nul"],
    ids=["empty", "torn", "deep-torn", "deep", "huge-number", "nul", "almost"],
)
def test_text_that_is_no_sane_json_fails_the_check(text):
    with pytest.raises(CheckFailed):
        parse(text)


# Expectations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (True, 1),
        (1, True),
        (0, False),
        ("1", 1),
        (None, 0),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": True}, {"a": 1}),
        ([1, 2], [2, 1]),
        ([1], 1),
    ],
)
def test_different_json_values_are_not_equal(actual, expected):
    with pytest.raises(CheckFailed) as caught:
        expect(actual, expected, "they differ")

    assert caught.value.message == "they differ"
    assert caught.value.expected is not None
    assert caught.value.actual is not None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(1, 1.0), (None, None), ({"b": 1, "a": [True]}, {"a": [True], "b": 1}), ([1, "x"], (1, "x"))],
)
def test_equal_json_values_pass(actual, expected):
    expect(actual, expected, "they are equal")


def test_expected_null_is_shown_as_null():
    with pytest.raises(CheckFailed) as caught:
        expect("text", None, "it is null")

    assert (caught.value.expected, caught.value.actual) == ("null", "text")


def test_conditions_and_failures_carry_their_message():
    expect_true(condition=True, message="fine")
    with pytest.raises(CheckFailed, match="not so"):
        expect_true(condition=False, message="not so")
    with pytest.raises(CheckFailed, match="never"):
        fail("never")


# Order and seeds -----------------------------------------------------------------------


def make_job(checks: dict[str, list[str]], *, gates: tuple[str, ...] = (), **options) -> dict:
    groups = list(dict.fromkeys(check_id.split(".")[0] for check_id in checks))
    return {
        "groups": [{"id": group, "gate": group in gates} for group in groups],
        "checks": [
            {"id": check_id, "group": check_id.split(".")[0], "requires": requires}
            for check_id, requires in checks.items()
        ],
        "seed": 1,
        **options,
    }


def ids(job: dict) -> list[str]:
    return [check["id"] for check in ordered_checks(job)]


def test_the_manifests_order_is_kept_where_nothing_speaks_against_it():
    assert ids(make_job({"b.two": [], "a.one": [], "b.one": []})) == ["b.two", "b.one", "a.one"]


def test_gates_and_needs_come_first():
    job = make_job({"z.late": ["z.early"], "z.early": [], "a.x": [], "g.go": []}, gates=("g",))

    assert ids(job) == ["g.go", "z.early", "z.late", "a.x"]


def test_a_group_that_needs_another_comes_after_it():
    assert ids(make_job({"a.one": ["b.one"], "b.one": []})) == ["b.one", "a.one"]


@pytest.mark.parametrize("seed", range(20))
def test_a_random_order_still_respects_gates_groups_and_needs(seed):
    checks = {f"{group}.c{i}": [] for group in "gabc" for i in range(4)}
    checks["a.c0"] = ["a.c3", "b.c0"]

    found = ids(make_job(checks, gates=("g",), order="random", seed=seed))

    assert sorted(found) == sorted(checks)
    assert all(check_id.startswith("g.") for check_id in found[:4])
    assert found.index("a.c3") < found.index("a.c0")
    assert found.index("b.c0") < found.index("a.c0")
    groups = [check_id[0] for check_id in found]
    assert len([1 for i in range(1, 16) if groups[i] != groups[i - 1]]) == 3


def test_a_random_order_is_another_for_another_seed():
    checks = {f"a.c{i}": [] for i in range(8)}
    orders = {tuple(ids(make_job(checks, order="random", seed=seed))) for seed in range(5)}

    assert len(orders) == 5
    assert ids(make_job(checks, order="random", seed=3)) in [list(order) for order in orders]


@pytest.mark.parametrize(
    "checks",
    [
        {"a.one": ["a.none"]},
        {"a.one": ["a.two"], "a.two": ["a.one"]},
        {"a.x": ["b.x"], "b.x": ["a.x"]},
    ],
    ids=["unknown", "cycle", "cycle-of-groups"],
)
def test_a_manifest_that_cannot_be_ordered_is_refused(checks):
    with pytest.raises(BadManifest):
        ids(make_job(checks))


def test_random_values_depend_on_the_seed_alone():
    assert [Rng("1:a").title() for _ in range(2)] == [Rng("1:a").title() for _ in range(2)]
    assert Rng("1:a").title() != Rng("1:b").title()
    rng = Rng("1:a")
    assert len({rng.title() for _ in range(500)}) == 500
    assert len(set(WORDS)) == len(WORDS) > 100


# The HTTP client -----------------------------------------------------------------------

Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one raw answer on a loopback port, whatever is asked."""
    listeners: list[socket.socket] = []

    def start(answer: bytes, *, drip_seconds: float = 0) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    if drip_seconds:
                        for i in range(len(answer)):
                            connection.sendall(answer[i : i + 1])
                            time.sleep(drip_seconds)
                    else:
                        connection.sendall(answer)
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


class DirectDialer(AppDialer):
    """Connects to this machine, where there is no other container."""

    def begin(self, port: int, seconds: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), seconds)

    def confirm(self, stream: socket.socket) -> None:
        pass


def client_of(port: int) -> HttpClient:
    return HttpClient(port, DirectDialer())


def answer(body: bytes = b"{}", head: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_an_answer_is_read_and_recorded(serve):
    client = client_of(serve(answer(b'{"a": 1}')))

    response = client.request("PATCH", "/x", json={"é": 1}, params={"page": 2})

    assert response.expect_status(200).json_object() == {"a": 1}
    exchange = client.exchanges[0].as_frame()
    assert exchange["path"] == "/x?page=2"
    assert exchange["curl"].splitlines()[0] == (
        "curl -i -X PATCH 'http://localhost:8000/x?page=2' \\"
    )
    assert "--data-raw '{\"é\": 1}'" in exchange["curl"]


def test_a_server_that_answers_before_it_has_read_everything_is_heard(serve):
    client = client_of(serve(answer(head=b"HTTP/1.1 413 Too Large\r\n")))

    assert client.request("POST", "/x", data=b"x" * (4 << 20)).status == 413


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-x\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "not valid HTTP"),
        (answer(b"x" * ((1 << 20) + 1)), "larger than 1 MiB"),
    ],
    ids=["silence", "ssh", "short-body", "two-lengths", "bad-chunk", "endless-header", "large"],
)
def test_a_hostile_answer_fails_the_check_and_is_recorded(serve, raw, words):
    client = client_of(serve(raw))

    with pytest.raises(CheckFailed) as caught:
        client.request("GET", "/x")

    assert words in caught.value.message
    assert client.exchanges[0].error


def test_a_drip_is_stopped_by_one_deadline_for_the_whole_exchange(serve):
    client = client_of(serve(answer(b"x" * 1000), drip_seconds=0.05))
    started = time.monotonic()

    with pytest.raises(ServiceUnavailable, match=r"within 0\.5 s"):
        client.request("GET", "/x", timeout_seconds=0.5)

    assert time.monotonic() - started < 5


def test_nobody_listening_is_said_so():
    with pytest.raises(ServiceUnavailable, match="refused"):
        client_of(1).request("GET", "/x")


def test_a_redirect_is_an_answer_and_not_followed(serve):
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
    client = client_of(serve(answer(head=head)))

    assert (
        client.request("GET", "/x").expect_status(302).headers["location"] == "http://127.0.0.1:1/"
    )


def test_a_compressed_body_is_not_expanded(serve):
    packed = b"\x1f\x8b" + b"\x00" * 50
    client = client_of(serve(answer(packed, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n")))

    assert client.request("GET", "/x").body == packed


def test_wrong_status_and_headers_explain_themselves(serve):
    response = client_of(serve(answer())).request("DELETE", "/x")

    with pytest.raises(CheckFailed, match="DELETE /x answered 200; the spec asks for 204 or 404"):
        response.expect_status(204, 404)
    with pytest.raises(CheckFailed, match="no `Location` header"):
        response.expect_header("Location")
    assert response.expect_header("content-length", "2") == "2"
    with pytest.raises(CheckFailed, match="an object, not a list"):
        response.json_list()


@pytest.mark.parametrize(
    "wrong", [{"json": 1, "data": b"x"}, {}], ids=["two-bodies", "relative-path"]
)
def test_a_graders_own_mistakes_are_not_the_learners(wrong):
    with pytest.raises((TypeError, ValueError)):
        client_of(1).request("GET", "/x" if wrong else "x", **wrong)


def test_headers_are_found_in_any_case_and_joined():
    headers = http.Headers([("X-A", "1"), ("x-a", "2")])

    assert headers["X-a"] == "1, 2"
    assert "X-A" in headers
    assert "other" not in headers


def test_an_answer_too_large_to_show_is_named():
    assert render({1: 10**5000}) == "a value of the type dict that is too large to show"
