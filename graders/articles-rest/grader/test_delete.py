"""DELETE /articles/{id}."""

from steps import expect_success, store

from backpath_sdk import check, expect, expect_true


@check("delete.204-empty")
def test_status(service, rng):
    article = store(service, rng)
    response = service.delete(article.path)
    response.expect_status(
        204, message=f"DELETE {article.path} answered {response.status}, expected 204."
    )
    expect(response.body, b"", f"DELETE {article.path} answered 204, which has no body.")


@check("delete.gone")
def test_gone(service, rng):
    article = store(service, rng)
    expect_success(service.delete(article.path), f"DELETE {article.path}")
    response = service.get(article.path)
    response.expect_status(
        404,
        message=f"Article {article.id} was deleted, but GET {article.path} answered "
        f"{response.status}, expected 404.",
    )


@check("delete.twice-404")
def test_twice(service, rng):
    article = store(service, rng)
    expect_success(service.delete(article.path), f"The first DELETE {article.path}")
    response = service.delete(article.path)
    response.expect_status(
        404,
        message=f"The second DELETE {article.path} answered {response.status}, expected 404: "
        "there is nothing left to delete.",
    )


@check("delete.id-not-reused")
def test_id_not_reused(service, rng):
    store(service, rng)
    deleted = store(service, rng)
    expect_success(service.delete(deleted.path), f"DELETE {deleted.path}")
    new = store(service, rng)
    expect_true(
        new.id != deleted.id,
        f"Article {deleted.id} was deleted, and the next new article got the id {new.id} again. "
        "Old links now lead to the wrong article.",
        expected=f"any id but {deleted.id}",
        actual=new.id,
    )
