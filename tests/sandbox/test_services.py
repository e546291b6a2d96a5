"""PostgreSQL and Redis inside the app container, as a learner's app finds them."""

from __future__ import annotations

import json
import textwrap

import pytest

from backpath.execution.docker_engine import DockerEngine
from tests.sandbox.conftest import by_id
from tests.sandbox.factories import make_app, make_grader, make_manifest, make_request

pytestmark = pytest.mark.docker

SERVICES = {"services": ["postgres", "redis"]}
# Makes its table when it starts, as apps do that migrate first.
NOTES = textwrap.dedent(
    """
    import os
    import psycopg
    import redis
    from fastapi import FastAPI

    URL = os.environ["DATABASE_URL"]
    cache = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    with psycopg.connect(URL) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text text NOT NULL)")
    app = FastAPI()

    @app.get("/health")
    def health():
        return {}

    @app.post("/notes/{text}", status_code=201)
    def create(text: str):
        # Without an address: by the variables that every client of PostgreSQL reads.
        with psycopg.connect() as connection:
            connection.execute("INSERT INTO notes VALUES (%s)", [text])
        cache.rpush("latest", text)
        return {"text": text}

    @app.get("/notes")
    def read():
        with psycopg.connect(URL) as connection:
            rows = connection.execute("SELECT text FROM notes ORDER BY text").fetchall()
        return {"rows": [row[0] for row in rows], "latest": cache.lrange("latest", 0, -1)}
    """
)
NOTES_APP = {"Procfile": "web: uvicorn app:app --port $PORT\n", "app.py": NOTES}
NOTES_GRADER = make_grader(
    """
    EMPTY = {"rows": [], "latest": []}

    def both(*texts):
        return {"rows": list(texts), "latest": list(texts)}

    @check("write.stored")
    def test_stored(service):
        expect(service.get("/notes").json_object(), EMPTY, "nothing is there at first")
        service.post("/notes/a").expect_status(201)
        expect(service.get("/notes").json_object(), both("a"), "what was written is there")

    @check("write.shared")
    def test_shared(service):
        expect(service.get("/notes").json_object(), both("a"), "checks of a group share data")

    @check("write.restarted")
    def test_restarted(service):
        service.restart()
        expect(service.get("/notes").json_object(), both("a"), "a restart keeps what was written")
        service.post("/notes/b").expect_status(201)
        expect(service.get("/notes").json_object(), both("a", "b"), "and goes on from there")

    @check("again.empty")
    def test_empty(service):
        expect(service.get("/notes").json_object(), EMPTY, "another group starts from nothing")
        service.post("/notes/c").expect_status(201)

    @check("last.empty")
    def test_empty_again(service):
        expect(service.get("/notes").json_object(), EMPTY, "so does the one after")
    """
)
NOTES_IDS = ["write.stored", "write.shared", "write.restarted", "again.empty", "last.empty"]


def failures(outcome) -> dict[str, tuple[str, str, str | None]]:
    return {
        check.check_id: (check.outcome, check.message, check.actual)
        for check in outcome.checks
        if check.outcome != "passed"
    }


def test_data_lives_as_long_as_its_group(run):
    outcome = run(NOTES_APP, NOTES_GRADER, NOTES_IDS, **SERVICES)

    assert outcome.status == "completed", outcome.detail + outcome.app_log_tail
    assert failures(outcome) == {}
    assert len(outcome.checks) == len(NOTES_IDS)


def test_a_warm_container_has_its_servers_already(job_id):
    manifest = make_manifest(NOTES_IDS, **SERVICES)
    request = make_request(app=NOTES_APP, grader=NOTES_GRADER, manifest=manifest, job_id=job_id)
    engine = DockerEngine.from_settings(pool_size=1, owner=job_id)
    try:
        # One run tells the pool which framework this assignment is answered with.
        cold = engine.run(request, on_event=lambda _event: None, should_stop=lambda: False)
        assert engine.wait_until_warm(60)
        outcome = engine.run(request, on_event=lambda _event: None, should_stop=lambda: False)
    finally:
        engine.close()

    assert (cold.origin, outcome.origin) == ("cold", "warm")
    assert outcome.status == "completed", outcome.detail + outcome.app_log_tail
    assert failures(outcome) == {}


def test_each_service_runs_only_where_it_is_asked_for(run):
    handler = """
    names = ("DATABASE_URL", "REDIS_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")
    listening = []
    for line in open("/proc/net/tcp").readlines()[1:] + open("/proc/net/tcp6").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            address, _, port = fields[1].partition(":")
            listening.append([address, int(port, 16)])
    self.reply(200, {"environment": {n: os.environ[n] for n in names if n in os.environ},
                     "listening": [one for one in listening if one[1] != int(os.environ["PORT"])],
                     "unix": [x for x in open("/proc/net/unix") if len(x.split()) > 7][1:]})
    """
    grader = make_grader(
        """
        @check("look.around")
        def test_look(service):
            fail("seen", actual=service.get("/").json_object())
        """
    )
    seen = {}
    for services in (["postgres"], ["redis"], []):
        outcome = run(make_app(handler), grader, ["look.around"], services=services)
        seen[tuple(services)] = json.loads(by_id(outcome)["look.around"].actual or "null")

    loopback = "0100007F"
    assert seen["postgres",] == {
        "environment": {
            "DATABASE_URL": "postgresql://app:app@127.0.0.1:5432/app",
            "PGHOST": "127.0.0.1",
            "PGPORT": "5432",
            "PGUSER": "app",
            "PGPASSWORD": "app",
            "PGDATABASE": "app",
        },
        "listening": [[loopback, 5432]],
        "unix": [],
    }
    assert seen["redis",] == {
        "environment": {"REDIS_URL": "redis://127.0.0.1:6379/0"},
        "listening": [[loopback, 6379]],
        "unix": [],
    }
    assert seen[()] == {"environment": {}, "listening": [], "unix": []}


# Whatever learner code may do to servers of its own uid, while the next group waits.
SPOIL = {
    "kills everything": "os.kill(-1, signal.SIGKILL)",
    "ruins what lies ready": "os.system('rm -rf /services/next-*/base /services/next-*/global')",
    "empties the disk": "os.system('rm -rf /services/*')",
    "fills the disk": "open('/services/full', 'wb').write(bytes(100 << 20))",
    "shuts the door": "os.chmod('/services', 0)",
    "takes the names": "[os.makedirs(f'/services/{n}/postgres/x', exist_ok=True) for n in range(9)]"
    " + [os.makedirs('/services/next-redis/x', exist_ok=True)]",
}


@pytest.mark.parametrize("deed", SPOIL.values(), ids=SPOIL)
def test_whatever_an_app_does_to_its_servers_the_next_group_gets_new_ones(run, deed):
    app = NOTES_APP | {
        "app.py": NOTES
        + textwrap.dedent(
            f"""
            import signal
            import time

            @app.post("/spoil")
            def spoil():
                while not os.path.isdir("/services/next-postgres"):
                    time.sleep(0.02)
                {deed}
                return {{"done": True}}
            """
        )
    }
    grader = make_grader(
        """
        @check("spoil.done")
        def test_spoil(service):
            service.post("/notes/a").expect_status(201)
            service.post("/spoil").expect_status(200)

        @check("next.empty")
        def test_next(service):
            empty = {"rows": [], "latest": []}
            expect(service.get("/notes").json_object(), empty, "the next group starts from nothing")
            service.post("/notes/b").expect_status(201)
        """
    )
    outcome = run(app, grader, ["spoil.done", "next.empty"], **SERVICES)

    assert outcome.status == "completed", outcome.detail + outcome.app_log_tail
    assert failures(outcome) == {}
    assert len(outcome.checks) == 2


def test_the_learners_role_is_that_of_an_app_in_production(run):
    statements = {
        "superuser": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
        "program": "COPY notes FROM PROGRAM 'id'",
        "file": "SELECT pg_read_file('/etc/passwd')",
        "trusted extension": "CREATE EXTENSION pg_trgm",
        "other extension": "CREATE EXTENSION file_fdw",
        "test database": "CREATE DATABASE test_app",
        "order": "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,B,é,a}'::text[]) AS x",
        "time zone": "SHOW timezone",
    }
    handler = f"""
    import psycopg
    found = {{}}
    for name, statement in {statements!r}.items():
        try:
            with psycopg.connect(autocommit=True) as connection:
                cursor = connection.execute(statement)
                found[name] = str(cursor.fetchone()[0]) if cursor.description else "done"
        except psycopg.Error as error:
            found[name] = error.sqlstate
    try:
        psycopg.connect("postgresql://postgres@127.0.0.1/app")
    except psycopg.OperationalError as error:
        found["as postgres"] = "no pg_hba.conf entry" in str(error)
    self.reply(200, found)
    """
    before = (
        "import psycopg\npsycopg.connect(autocommit=True).execute('CREATE TABLE notes (x text)')\n"
    )
    grader = make_grader(
        """
        @check("look.around")
        def test_look(service):
            fail("seen", actual=service.get("/").json_object())
        """
    )
    outcome = run(make_app(handler, before=before), grader, ["look.around"], services=["postgres"])

    insufficient_privilege = "42501"
    assert json.loads(by_id(outcome)["look.around"].actual or "null") == {
        "superuser": "False",
        "program": insufficient_privilege,
        "file": insufficient_privilege,
        "trusted extension": "done",
        "other extension": insufficient_privilege,
        "test database": "done",
        "order": "Babé",
        "time zone": "UTC",
        "as postgres": True,
    }


def test_a_full_redis_answers_with_an_error_and_the_app_lives(run):
    handler = """
    import redis
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    try:
        for number in range(100):
            client.set(f"k{number}", bytes(1 << 20))
    except redis.exceptions.OutOfMemoryError:
        return self.reply(200, {"full": True})
    self.reply(200, {"full": False})
    """
    grader = make_grader(
        """
        @check("fill.up")
        def test_fill(service):
            expect(service.get("/").json_object(), {"full": True}, "Redis says that it is full")
        """
    )
    outcome = run(make_app(handler), grader, ["fill.up"], services=["redis"])
    assert outcome.status == "completed"
    assert failures(outcome) == {}
