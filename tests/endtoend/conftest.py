"""Both shapes of the site, each started once for all end-to-end tests of a session."""

from collections.abc import Iterator

import pytest

from tests.endtoend.stack import Stack, running_stack
from tests.servers import postgres_server, redis_server


@pytest.fixture(scope="session")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """SQLite and the broker's folder."""
    with running_stack(tmp_path_factory.mktemp("one-machine")) as stack:
        yield stack


@pytest.fixture(scope="session")
def many_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Redis; the web server keeps a pool of connections."""
    with (
        postgres_server() as database,
        redis_server() as redis,
        running_stack(
            tmp_path_factory.mktemp("many-hosts"),
            DATABASE_URL=database,
            REDIS_URL=redis,
            web_environment={"BACKPATH_DB_POOL": "4"},
        ) as stack,
    ):
        yield stack


@pytest.fixture(
    params=[
        pytest.param("one_machine"),
        pytest.param("many_hosts", marks=[pytest.mark.postgres, pytest.mark.redis]),
    ]
)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running site; workers that a test leaves are killed after it, which is quicker."""
    running: Stack = request.getfixturevalue(request.param)
    yield running
    for name in list(running.processes):
        if name not in {"web", "sweeper", "control"}:
            running.kill_group(name)
    running.control("forget_workers")
