"""Articles outlive the process."""

from steps import expect_article, fetch, store

from backpath_sdk import check


@check("persistence.survives-restart")
def test_survives_restart(service, rng):
    articles = [store(service, rng) for _ in range(2)]
    service.restart()
    for article in articles:
        response = service.get(article.path)
        response.expect_status(
            200,
            message=f"Article {article.id} was created, then the service was stopped and started "
            f"again with the same DATA_DIR. Now GET {article.path} answers {response.status}, "
            "expected 200.",
        )
        expect_article(fetch(service, article), article, f"GET {article.path} after a restart")
