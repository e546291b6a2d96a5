"""Pages of GET /articles."""

from steps import REFUSED, expect_refused, ids_of, items_of, store

from backpath_sdk import check, expect, expect_true

CAP = 100
PAST_THE_END = 100_000


def get_page(service, **params):
    """Return the object that GET /articles answers with, and its items."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    where = f"GET /articles?{query}" if query else "GET /articles"
    response = service.get("/articles", params=params)
    response.expect_status(200, message=f"{where} answered {response.status}, expected 200.")
    body = response.json_object()
    return body, items_of(body, where)


@check("list.envelope")
def test_envelope(service, rng):
    store(service, rng)
    store(service, rng)
    body, _ = get_page(service)
    for name, value in (("page", 1), ("per_page", 20)):
        expect(
            body.get(name),
            value,
            f"GET /articles without a query: “{name}” must be its default, {value}.",
        )
    total = body.get("total")
    expect_true(
        isinstance(total, int) and not isinstance(total, bool),
        "GET /articles must say in “total” how many articles there are.",
        expected="a whole number",
        actual=total,
    )
    body, _ = get_page(service, page=2, per_page=1)
    for name, value in (("page", 2), ("per_page", 1)):
        expect(
            body.get(name),
            value,
            f"GET /articles?page=2&per_page=1: “{name}” must say which page this is.",
        )


@check("list.second-page")
def test_second_page(service, rng):
    for _ in range(4):
        store(service, rng)
    seen = []
    for number in (1, 2):
        _, items = get_page(service, page=number, per_page=2)
        expect(
            len(items),
            2,
            "There are at least 4 articles, so each of the first two pages of 2 is full: "
            f"GET /articles?page={number}&per_page=2 must have 2 items.",
        )
        seen.append(set(ids_of(items)))
    both = sorted(seen[0] & seen[1])
    expect(both, [], "The same articles are on page 1 and on page 2 (per_page=2).")


@check("list.past-the-end")
def test_past_the_end(service, rng):
    store(service, rng)
    _, items = get_page(service, page=PAST_THE_END)
    expect(len(items), 0, f"GET /articles?page={PAST_THE_END} is past the end: no items.")


@check("list.per-page-cap")
def test_cap(service, rng):
    for _ in range(CAP + 1):
        store(service, rng)
    response = service.get("/articles", params={"per_page": 1000})
    response.expect_status(
        200,
        *REFUSED,
        message=f"GET /articles?per_page=1000 answered {response.status}, expected 200 with at "
        "most 100 items, or 400 or 422.",
    )
    if response.status == 200:
        found = len(items_of(response.json_object(), "GET /articles?per_page=1000"))
        expect_true(
            found <= CAP,
            f"GET /articles?per_page=1000 gave {found} articles on one page. The most that a "
            "client can get at once is 100.",
            expected="at most 100 items",
            actual=found,
        )
    _, items = get_page(service, per_page=CAP)
    expect(len(items), CAP, "GET /articles?per_page=100 is allowed, and there are enough articles.")


@check("list.total-counts-all")
def test_total(service, rng):
    store(service, rng)
    before, _ = get_page(service, per_page=1)
    for _ in range(3):
        store(service, rng)
    after, _ = get_page(service, per_page=1)
    expect(
        after["total"],
        before["total"] + 3 if isinstance(before["total"], int) else "a number",
        f"GET /articles?per_page=1 said “total”: {before['total']}. Then 3 articles were created. "
        "“total” counts all articles, not those on the page.",
    )


@check("list.bad-query")
def test_bad_query(service, rng):
    store(service, rng)
    for query in ("page=0", "page=-1", "per_page=0", "per_page=-5", f"page={rng.word()}"):
        response = service.get(f"/articles?{query}")
        expect_refused(
            response,
            f"GET /articles?{query}",
            "page and per_page are whole numbers of 1 or more",
        )
