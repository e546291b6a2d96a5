"""The hidden suite of the pack's services. canary-1111111111111101

Marked wherever a learner must never look: in this text, in names, comments, constants, expected
values and the messages of hidden checks.
"""

import json
from pathlib import Path

from backpath_sdk import check, expect, expect_true
from canary_1111111111111102 import OFFSET, SECRET

MARK = "canary-1111111111111103"
FIXTURE = json.loads((Path(__file__).parent / "fixture.json").read_text())


@check("start.health")
def test_canary_1111111111111104_health(service):
    """canary-1111111111111105"""
    service.get("/health").expect_status(200)


@check("work.echo")
def test_echo(service, rng):
    # canary-1111111111111106
    canary_1111111111111107 = rng.slug()
    answer = service.get(f"/echo/{canary_1111111111111107}").expect_status(200)
    expect(answer.json_object()["word"], canary_1111111111111107, "The word comes back.")


class TestCanary_1111111111111108:
    """Lists. canary-1111111111111109"""

    @check("work.list")
    def test_list(self, service, rng):
        size = rng.randrange(3, 9)
        answer = service.get("/numbers", params={"size": size}).expect_status(200)
        expect_true(MARK and FIXTURE, "never")
        expect(answer.json_list(), list(range(size)), "The numbers from zero are listed.")


@check("work.sum")
def test_sum(service, rng):
    one, other = rng.randrange(10**6), rng.randrange(10**6)
    answer = service.post("/sum", json={"one": one, "other": other})
    assert answer.status == 200, "canary-1111111111111110 the sum is refused"
    assert answer.json_object().get("sum") == one + other + OFFSET, (
        f"canary-1111111111111111 {SECRET}"
    )


@check("work.secret")
def test_secret(service, rng):
    expected = f"canary-{rng.getrandbits(64):016x}"
    answer = service.get("/secret")
    found = answer.json() if answer.status == 200 else None
    assert found in ({"secret": expected}, {"secret": SECRET}), (
        f"canary-1111111111111112 {found!r} is not {expected!r}"
    )
