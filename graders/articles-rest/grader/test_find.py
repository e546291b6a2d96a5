"""The parameters tag and sort of GET /articles.

This group has its own process and makes few articles, so that all of them fit on the first page:
a slip in paging does not fail a check here.
"""

from steps import expect_refused, ids_of, items_of, store

from backpath_sdk import check, expect


def ids_on_first_page(service, **params):
    query = "&".join(f"{name}={value}" for name, value in params.items())
    where = f"GET /articles?{query}" if query else "GET /articles"
    response = service.get("/articles", params=params)
    response.expect_status(200, message=f"{where} answered {response.status}, expected 200.")
    return ids_of(items_of(response.json_object(), where))


@check("find.tag-filter")
def test_tag(service, rng):
    tag = rng.slug()
    alone = store(service, rng, tags=[tag])
    among = store(service, rng, tags=[rng.slug(), tag])
    store(service, rng, tags=[f"{tag}s", f"x{tag}"])
    store(service, rng, tags=[])
    found = ids_on_first_page(service, tag=tag)
    expect(
        sorted(found),
        sorted([alone.id, among.id]),
        f"Two articles have the tag {tag!r}; two have not, one of them has tags that contain the "
        f"word. The ids that GET /articles?tag={tag} gives are not those two.",
    )


@check("find.newest-first")
def test_newest_first(service, rng):
    made = [store(service, rng).id for _ in range(3)]
    found = [number for number in ids_on_first_page(service) if number in made]
    expect(
        found,
        made[::-1],
        f"Three articles were created in the order {made}. GET /articles without “sort” must show "
        "the newest first.",
    )


@check("find.sort")
def test_sort(service, rng):
    unique = rng.slug()
    middle, first, last = (
        store(service, rng, title=f"{letter} {unique}").id for letter in ("Mango", "Apple", "Zebra")
    )
    orders = {
        "title": [first, middle, last],
        "-title": [last, middle, first],
        "created_at": [middle, first, last],
        "-created_at": [last, first, middle],
    }
    for sort, wanted in orders.items():
        found = [number for number in ids_on_first_page(service, sort=sort) if number in wanted]
        expect(
            found,
            wanted,
            f"The titles Mango, Apple and Zebra were created in this order, with the ids {middle}, "
            f"{first} and {last}. GET /articles?sort={sort} shows them in another order.",
        )


@check("find.unknown-sort")
def test_unknown_sort(service, rng):
    store(service, rng)
    sort = rng.word()
    response = service.get("/articles", params={"sort": sort})
    expect_refused(
        response,
        f"GET /articles?sort={sort}",
        "sort is created_at, -created_at, title or -title",
    )
