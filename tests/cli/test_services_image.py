"""The image with PostgreSQL and Redis: what it offers, when it is built, and without a mirror."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backpath.cli import images, services_image
from backpath.cli.console import CommandFailed
from backpath.cli.docker_api import DockerClient, connect, is_present
from backpath.cli.images import GRADING_IMAGES, image_name, prepare_sandbox, services_image_name
from backpath.cli.services_image import databases_name, is_asked_for, services_name

PROBE = """
import glob, json, os, stat, subprocess
def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
special = [os.path.join(folder, name)
           for top in ("/etc", "/opt", "/usr") for folder, folders, files in os.walk(top)
           for name in folders + files
           if os.lstat(os.path.join(folder, name)).st_mode & (stat.S_ISUID | stat.S_ISGID)]
template = "/opt/backpath/postgres/template"
print(json.dumps({
    "uid": os.getuid(),
    "environment": sorted(set(os.environ) - {"HOSTNAME", "HOME"}),
    "special": special,
    "postgres": said("/opt/backpath/postgres/bin/postgres", "--version")[2],
    "psql": said("psql", "--version")[2],
    "redis": said("redis-server", "--version")[2],
    "redis-cli": said("redis-cli", "--version")[1],
    "packages": [line.split()[0] for line in open("/opt/backpath/databases.txt")],
    "left over": [p for p in ("/usr/lib/postgresql/17/bin/initdb", "/usr/bin/pg_ctlcluster",
                              "/usr/lib/postgresql/17/lib/bitcode", "/etc/postgresql", "/template",
                              *glob.glob("/usr/lib/*/libLLVM*")) if os.path.exists(p)],
    "template": [os.stat(template).st_uid, os.access(template + "/base/1", os.R_OK)],
    "databases": len(os.listdir(template + "/base")),
    "writable": os.access("/opt/backpath/postgres/pg_hba.conf", os.W_OK),
}))
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    engine = connect(timeout_seconds=60)
    yield engine
    engine.close()


@pytest.mark.docker
def test_what_the_image_offers(client: DockerClient) -> None:
    said = client.containers.run(
        services_image_name(),
        ["/opt/backpath/venv/bin/python", "-I", "-c", PROBE],
        remove=True,
        network_mode="none",
        read_only=True,
    )
    found = json.loads(bytes(said))
    assert found.pop("postgres").startswith("17.")
    assert found.pop("psql").startswith("17.")
    assert found.pop("redis").startswith("v=8.")
    assert found.pop("redis-cli").startswith("8.")
    app = client.images.get(image_name(GRADING_IMAGES[0])).attrs["Config"]
    assert found == {
        "uid": 10002,
        "environment": sorted(entry.partition("=")[0] for entry in app["Env"]),
        "special": [],
        "packages": ["postgresql-17", "redis-server"],
        "left over": [],
        "template": [10002, True],
        "databases": 2,
        "writable": False,
    }


@pytest.mark.docker
def test_the_image_starts_the_agent_as_the_app_image_does(client: DockerClient) -> None:
    names = (services_image_name(), image_name(GRADING_IMAGES[0]))
    configs = [client.images.get(name).attrs["Config"] for name in names]
    for key in ("Cmd", "User", "WorkingDir", "Env", "Entrypoint"):
        assert configs[0][key] == configs[1][key], key


@pytest.mark.docker
def test_what_is_up_to_date_is_not_built_again(client: DockerClient) -> None:
    name = services_image_name()
    assert images.build_services(client) == {name: False}
    latest = client.images.get(f"{services_image.APP_SERVICES}:latest")
    assert latest.id == client.images.get(name).id
    assert is_present(client, databases_name(base=images.base_hash()))


@pytest.mark.docker
def test_without_a_mirror_it_is_said_what_is_missing_and_from_where(
    client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9/debian"
    monkeypatch.setenv("BACKPATH_DEBIAN_MIRROR", nowhere)
    monkeypatch.setattr(services_image, "DATABASES", "backpath/test-databases")
    monkeypatch.setattr(services_image, "APP_SERVICES", "backpath/test-app-services")
    with pytest.raises(CommandFailed) as caught:
        images.build_services(client)
    failure = caught.value
    assert failure.problem == "The image with PostgreSQL and Redis could not be built."
    assert f"The list of Debian packages could not be fetched from {nowhere}" in failure.said
    assert "BACKPATH_DEBIAN_MIRROR" in failure.remedy
    assert "\x1b" not in failure.said
    assert not is_present(client, databases_name(base=images.base_hash()))


# --- names ----------------------------------------------------------------------------


def test_a_new_agent_fetches_no_packages_again() -> None:
    assert services_name(app="app:1", base="b") != services_name(app="app:2", base="b")
    assert databases_name(base="b") == databases_name(base="b")
    assert databases_name(base="b") != databases_name(base="c")
    assert services_name(app="app:1", base="b") != services_name(app="app:1", base="c")


def test_whatever_goes_in_changes_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = {"DATABASES_RECIPE": tmp_path / "databases", "SERVICES_RECIPE": tmp_path / "app"}
    for name, folder in recipes.items():
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM scratch\n")
        monkeypatch.setattr(services_image, name, folder)
    before = (databases_name(base="b"), services_name(app="a", base="b"))

    (recipes["SERVICES_RECIPE"] / "Dockerfile").write_text("FROM other\n")
    assert databases_name(base="b") == before[0]
    assert services_name(app="a", base="b") != before[1]

    (recipes["DATABASES_RECIPE"] / "redis.conf").write_text("port 1\n")
    assert databases_name(base="b") != before[0]


# --- when it is needed ----------------------------------------------------------------


def make_graders(folder: Path, **texts: str) -> Path:
    for slug, text in texts.items():
        (folder / slug).mkdir(parents=True)
        (folder / slug / "assignment.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("texts", "is_needed"),
    [
        ({}, False),
        ({"a": "slug: a\n"}, False),
        ({"a": "slug: a\n", "b": "slug: b\nservices: [redis]\n"}, True),
        ({"a": "summary: |\n  services: none\n"}, False),
    ],
    ids=["nothing", "none", "one of two", "in a text"],
)
def test_the_image_is_needed_where_an_assignment_asks(
    tmp_path: Path, texts: dict[str, str], is_needed: bool
) -> None:
    assert is_asked_for(make_graders(tmp_path / "graders", **texts)) is is_needed


class FakeBuilds:
    """Builds that are counted, and of which that with services may fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
        self.built: list[str] = []
        self.fails = fails
        monkeypatch.setattr(images, "require_docker", lambda: None)
        monkeypatch.setattr(images, "build_when_changed", self._build)
        monkeypatch.setattr(images, "build_services", self._build_services)
        for name in ("APP", "RUNNER", "APP_SERVICES"):
            monkeypatch.delenv(f"BACKPATH_{name}_IMAGE", raising=False)

    def _build(self, _client: Any) -> None:
        self.built.append("grading")

    def _build_services(self, _client: Any, **_options: Any) -> dict[str, bool]:
        if self.fails:
            raise CommandFailed("No packages.", "Find a mirror.", said="E: nothing there")
        self.built.append("services")
        return {}


@pytest.mark.parametrize(
    ("asked", "services", "built"),
    [
        ("services: [redis]\n", None, ["grading", "services"]),
        ("", None, ["grading"]),
        ("", True, ["grading", "services"]),
        ("services: [redis]\n", False, ["grading"]),
    ],
)
def test_the_image_is_built_when_it_is_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    services: bool | None,
    built: list[str],
) -> None:
    monkeypatch.setenv("BACKPATH_GRADERS_DIR", str(make_graders(tmp_path / "g", a=asked)))
    builds = FakeBuilds(monkeypatch)
    names = prepare_sandbox(services=services)
    assert builds.built == built
    assert names == {
        "app_image": image_name(GRADING_IMAGES[0]),
        "runner_image": image_name(GRADING_IMAGES[1]),
        "app_services_image": services_image_name(),
    }


def test_jobs_without_services_go_on_where_no_packages_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graders = make_graders(tmp_path / "g", a="services: [redis]\n")
    monkeypatch.setenv("BACKPATH_GRADERS_DIR", str(graders))
    builds = FakeBuilds(monkeypatch, fails=True)
    names = prepare_sandbox()
    assert builds.built == ["grading"]
    assert names["app_image"] == image_name(GRADING_IMAGES[0])
    said = " ".join(capsys.readouterr().err.split())
    assert "E: nothing there" in said
    assert "No packages. Assignments with `services:` cannot be graded until it is there." in said
    assert "Find a mirror." in said


def test_who_needs_the_image_is_told_that_it_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeBuilds(monkeypatch, fails=True)
    with pytest.raises(CommandFailed, match="No packages"):
        prepare_sandbox(services=True)


def test_an_operator_may_name_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeBuilds(monkeypatch)
    monkeypatch.setenv("BACKPATH_APP_SERVICES_IMAGE", "mirror/services:1")
    assert prepare_sandbox(services=False)["app_services_image"] == "mirror/services:1"


@pytest.mark.parametrize("asked", [True, False])
def test_the_images_command_fails_without_it_only_where_it_is_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: bool,
) -> None:
    graders = make_graders(tmp_path / "g", a="services: [redis]\n" if asked else "")
    monkeypatch.setenv("BACKPATH_GRADERS_DIR", str(graders))
    FakeBuilds(monkeypatch, fails=True)
    monkeypatch.setattr(images, "build_when_changed", lambda *_, **__: {})
    if asked:
        with pytest.raises(CommandFailed, match="No packages"):
            images.run()
    else:
        images.run()
        assert "No packages" in capsys.readouterr().err
