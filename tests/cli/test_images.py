"""The grading images: what they offer, from either source, and when they are built."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backpath.cli import docker_api, image_base, images
from backpath.cli.build_context import pack_context, source_files
from backpath.cli.console import CommandFailed, Step
from backpath.cli.docker_api import DockerClient, connect, is_present
from backpath.cli.image_base import debian_packages
from backpath.cli.images import (
    GRADING_IMAGES,
    RECIPE,
    BuiltImage,
    build_images,
    image_name,
)
from backpath.cli.wheelhouse import requirement_block

STAND_IN = "backpath/test-slim-python:latest"
SECOND_BASE = "backpath/test-second-base:latest"

# Runs inside an image and prints what the platform relies on.
PROBE = """
import importlib, importlib.util, json, os, pathlib, stat, sys, sysconfig, zoneinfo
import ctypes, lzma, sqlite3, ssl

if "django" in sys.argv:
    from django.conf import settings
    settings.configure()

def is_special(path):
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & (stat.S_ISUID | stat.S_ISGID))

special = [
    os.path.join(folder, name)
    for top in ("/bin", "/etc", "/home", "/lib", "/opt", "/sbin", "/srv", "/usr", "/var")
    for folder, folders, files in os.walk(top)
    for name in folders + files
    if is_special(os.path.join(folder, name))
]
stdlib = pathlib.Path(sysconfig.get_path("stdlib"))
print(json.dumps({
    "executable": sys.executable,
    "version": list(sys.version_info[:2]),
    "uid": os.getuid(),
    "gid": os.getgid(),
    "environment": sorted(set(os.environ) - {"HOSTNAME", "HOME"}),
    "special": special,
    "encoding": sys.stdout.encoding,
    "zone": str(zoneinfo.ZoneInfo("Europe/Paris")),
    "installers": [n for n in ("pip", "ensurepip") if importlib.util.find_spec(n)],
    "profile": [p for p in ("/etc/profile", "/etc/bash.bashrc", "/root/.bashrc")
                if os.path.exists(p)],
    "compiled": (stdlib / "__pycache__" / f"argparse.{sys.implementation.cache_tag}.pyc").exists(),
    "writable": os.access("/", os.W_OK) or os.access("/opt/backpath", os.W_OK),
    "imported": [m for m in sys.argv[1:] if importlib.import_module(m)],
    "users": {line.split(":")[0]: int(line.split(":")[2])
              for line in open("/etc/passwd") if "backpath" in line},
}))
"""
APP_MODULES = ("django", "fastapi", "flask", "gunicorn", "httpx", "ninja", "psycopg",
               "psycopg_pool", "pydantic", "pytest", "redis", "sqlalchemy", "uvicorn",
               "waitress")  # fmt: skip
RUNNER_MODULES = ("h11", "httpx", "jsonschema", "pytest", "yaml")


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    engine = connect(timeout_seconds=60)
    yield engine
    engine.close()


def run_in(client: DockerClient, image: str, command: list[str], **options: Any) -> str:
    output = client.containers.run(
        image, command, remove=True, network_mode="none", read_only=True, environment=[], **options
    )
    return bytes(output).decode()


def probe(client: DockerClient, image: str, *modules: str, python: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_in(client, image, [python, "-I", "-c", PROBE, *modules]))
    return found


# --- the built images -----------------------------------------------------------------


@pytest.mark.docker
@pytest.mark.parametrize(
    ("image", "modules", "uid", "variables"),
    [
        (GRADING_IMAGES[0], APP_MODULES, 10002, ["PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"]),
        (GRADING_IMAGES[1], RUNNER_MODULES, 10001, []),
    ],
    ids=["app", "runner"],
)
def test_the_interface_of_an_image(
    client: DockerClient,
    image: BuiltImage,
    modules: tuple[str, ...],
    uid: int,
    variables: list[str],
) -> None:
    found = probe(client, image_name(image), *modules, python="/opt/backpath/venv/bin/python")
    assert found["executable"] == "/opt/backpath/venv/bin/python"
    assert found["imported"] == list(modules)
    assert (found["uid"], found["gid"]) == (uid, uid)
    assert_common_interface(found, *variables)


def assert_common_interface(found: dict[str, Any], *variables: str) -> None:
    assert found["version"] == [3, 13]
    assert found["environment"] == ["LANG", "PATH", *variables]
    assert found["encoding"] == "utf-8"
    assert found["zone"] == "Europe/Paris"
    assert found["special"] == [], "set-uid and set-gid bits are left"
    assert found["installers"] == []
    assert found["profile"] == []
    assert found["compiled"], "the standard library would be compiled by every job"
    assert found["users"] == {"backpath-runner": 10001, "backpath-app": 10002}


@pytest.mark.docker
@pytest.mark.parametrize(
    ("image", "folder", "options"),
    # Forks of the agent are the learner's processes, which must not find themselves isolated.
    [(GRADING_IMAGES[0], "agent", []), (GRADING_IMAGES[1], "runner", ["-I"])],
    ids=["app", "runner"],
)
def test_an_image_starts_its_program_and_holds_nothing_of_the_other(
    client: DockerClient, image: BuiltImage, folder: str, options: list[str]
) -> None:
    config = client.images.get(image_name(image)).attrs["Config"]
    assert config["Cmd"] == [
        "/opt/backpath/venv/bin/python", *options, f"/opt/backpath/{folder}/main.py",
    ]  # fmt: skip
    listed = run_in(client, image_name(image), ["ls", "/opt/backpath"]).split()
    assert sorted(listed) == sorted([folder, "packages.json", "venv", "wire"])


@pytest.mark.docker
def test_images_that_are_up_to_date_are_not_built_again(client: DockerClient) -> None:
    began = time.monotonic()
    built = build_images(client)
    assert built == {image_name(image): False for image in GRADING_IMAGES}
    assert time.monotonic() - began < 10
    for image in GRADING_IMAGES:
        latest = client.images.get(f"{image.repository}:latest")
        assert latest.id == client.images.get(image_name(image)).id


# --- the other source of Python -------------------------------------------------------

# The shape of the registry's slim image: Python below /usr/local with pip beside it,
# no compiled standard library, environment variables of its own, a set-uid program.
STAND_IN_DOCKERFILE = """
FROM {base}
ENV PYTHON_VERSION=3.13.9 GPG_KEY=0123 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN rm -rf /usr/local/lib/python3.13 \\
 && sed -i /backpath/d /etc/passwd /etc/group \\
 && mv /usr/lib/python3.13 /usr/local/lib/python3.13 \\
 && mv /usr/bin/python3.13 /usr/local/bin/python3.13 \\
 && mkdir -p /usr/local/lib/python3.13/site-packages/pip \\
 && touch /usr/local/lib/python3.13/site-packages/pip/__init__.py /usr/local/bin/pip /etc/profile \\
 && find /usr/local/lib/python3.13 -name __pycache__ -prune -exec rm -rf {{}} + \\
 && cp /bin/true /usr/bin/set-uid-program && chmod 4755 /usr/bin/set-uid-program
CMD ["python3"]
"""


@pytest.fixture
def stand_in(client: DockerClient, tmp_path: Path) -> Iterator[str]:
    base = f"{images.BASE}:{images.base_hash()}"
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(STAND_IN_DOCKERFILE.format(base=base))
    step = Step("stand-in")
    docker_api.build(
        pack_context({"Dockerfile": dockerfile}), tag=STAND_IN, arguments={}, fresh=False, step=step
    )
    yield STAND_IN
    docker_api.remove_tag(client, STAND_IN)


@pytest.mark.docker
def test_the_registrys_python_gives_the_same_interface(client: DockerClient, stand_in: str) -> None:
    context = pack_context(dict(source_files(RECIPE)))
    docker_api.build(
        context, tag=SECOND_BASE, arguments={"SOURCE": stand_in}, fresh=False, step=Step("base")
    )
    try:
        found = probe(client, SECOND_BASE, python="/usr/local/bin/python3.13")
        assert found["executable"] == "/usr/local/bin/python3.13"
        assert_common_interface(found)
        script = "python3.13 -m venv --without-pip /tmp/venv && /tmp/venv/bin/python -V"
        said = run_in(client, SECOND_BASE, ["sh", "-c", script], tmpfs={"/tmp": "size=50m"})
        assert said.startswith("Python 3.13.")
    finally:
        docker_api.remove_tag(client, SECOND_BASE)


# --- which base is taken --------------------------------------------------------------


class FakeRegistry:
    """A registry and an engine's store of images, without either."""

    def __init__(self, *, present: set[str], pullable: set[str]) -> None:
        self.present, self.pullable = present, pullable
        self.asked: list[str] = []

    def pull(self, name: str) -> bool:
        self.asked.append(name)
        if name in self.pullable:
            self.present.add(name)
        return name in self.pullable

    def source(self, monkeypatch: pytest.MonkeyPatch, *, refresh: bool = False) -> str:
        monkeypatch.setattr(image_base, "is_present", lambda _client, name: name in self.present)
        monkeypatch.setattr(image_base, "_pull", self.pull)
        monkeypatch.setattr(image_base, "_debian_image", lambda _client: "from-debian")
        client: Any = object()
        return image_base.source_image(client, refresh=refresh)


SLIM = image_base.REGISTRY_IMAGE


@pytest.mark.parametrize(
    ("chosen", "present", "pullable", "source", "asked"),
    [
        (None, {SLIM}, set(), SLIM, []),
        (None, set(), {SLIM}, SLIM, [SLIM]),
        (None, set(), set(), "from-debian", [SLIM]),
        ("debian", {SLIM}, {SLIM}, "from-debian", []),
        ("mirror/python:3.13", set(), {"mirror/python:3.13"}, "mirror/python:3.13",
         ["mirror/python:3.13"]),
    ],
)  # fmt: skip
def test_the_source_of_the_base(
    monkeypatch: pytest.MonkeyPatch,
    chosen: str | None,
    present: set[str],
    pullable: set[str],
    source: str,
    asked: list[str],
) -> None:
    monkeypatch.delenv("BACKPATH_BASE_IMAGE", raising=False)
    if chosen:
        monkeypatch.setenv("BACKPATH_BASE_IMAGE", chosen)
    registry = FakeRegistry(present=set(present), pullable=pullable)
    assert registry.source(monkeypatch) == source
    assert registry.asked == asked


def test_an_image_the_operator_chose_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPATH_BASE_IMAGE", "mirror/python:3.13")
    with pytest.raises(
        CommandFailed, match=r"mirror/python:3\.13 is not here and cannot be pulled"
    ):
        FakeRegistry(present=set(), pullable={SLIM}).source(monkeypatch)


def test_a_rebuild_asks_the_registry_again_and_can_do_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BACKPATH_BASE_IMAGE", raising=False)
    registry = FakeRegistry(present={SLIM}, pullable=set())
    assert registry.source(monkeypatch, refresh=True) == SLIM
    assert registry.asked == [SLIM]


@pytest.mark.docker
def test_a_missing_image_is_told_from_a_present_one(client: DockerClient) -> None:
    assert is_present(client, image_name(GRADING_IMAGES[0]))
    assert not is_present(client, "backpath/never-built:latest")


# --- what decides whether to build ----------------------------------------------------


def make_image(folder: Path, **files: str) -> BuiltImage:
    """An image of one source folder, `folder/code`, with these files in it."""
    (folder / "code").mkdir(parents=True)
    for name, text in files.items():
        (folder / "code" / f"{name}.py").write_text(text)
    recipe, lock = folder / "Dockerfile", folder / "lock.txt"
    recipe.write_text("FROM scratch\n")
    lock.write_text("flask==3.1 --hash=sha256:00\n")
    return BuiltImage("backpath/test", recipe, lock, (folder / "code",))


def test_the_same_content_has_the_same_name_wherever_it_lies(tmp_path: Path) -> None:
    first = make_image(tmp_path / "a", main="print(1)", other="x = 1")
    second = make_image(tmp_path / "b", main="print(1)", other="x = 1")
    assert image_name(first) == image_name(second)


def test_whatever_goes_into_an_image_changes_its_name(tmp_path: Path) -> None:
    image = make_image(tmp_path, main="print(1)")
    names = [image_name(image)]
    for path, text in (
        (tmp_path / "code" / "main.py", "print(2)"),
        (tmp_path / "code" / "new.py", ""),
        (image.recipe, "FROM scratch\nUSER 10002\n"),
        (image.lock, "flask==3.2 --hash=sha256:01\n"),
    ):
        path.write_text(text)
        names.append(image_name(image))
    assert len(set(names)) == 5


def test_compiled_files_do_not_count(tmp_path: Path) -> None:
    image = make_image(tmp_path, main="print(1)")
    before = image_name(image)
    (tmp_path / "code" / "__pycache__").mkdir()
    (tmp_path / "code" / "__pycache__" / "main.cpython-313.pyc").write_bytes(b"\0")
    assert image_name(image) == before


def test_a_context_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    image = make_image(tmp_path, main="print(1)")
    first = pack_context(image.members()).getvalue()
    (tmp_path / "code" / "main.py").touch()
    (tmp_path / "code" / "main.py").chmod(0o600)
    assert pack_context(image.members()).getvalue() == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert {member.mode for member in tar} == {0o644}
        assert {member.uid for member in tar} == {0}
        assert "code/main.py" in tar.getnames()


def test_an_empty_source_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "REPOSITORY", tmp_path)
    image = make_image(tmp_path)
    engine: Any = object()
    with pytest.raises(CommandFailed, match="code is missing or empty"):
        build_images(engine, images=(image,))


# --- recipes and locks ----------------------------------------------------------------


def test_comments_are_no_packages() -> None:
    packages = debian_packages()
    assert "python3.13" in packages
    assert not [name for name in packages if " " in name or name.startswith("#")]


LOCK = (
    "pip==26.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    "pipdeptree==2.0 \\\n    --hash=sha256:cc\n"
)


def test_one_package_is_cut_out_of_a_lock() -> None:
    expected = "pip==26.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    assert requirement_block(LOCK, "pip") == expected
    assert requirement_block(LOCK, "pipdeptree") == "pipdeptree==2.0 \\\n    --hash=sha256:cc\n"
    with pytest.raises(KeyError):
        requirement_block(LOCK, "pi")
