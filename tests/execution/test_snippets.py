"""The code of lessons runs behind the same walls as a learner's service."""

from collections.abc import Iterator

import docker
import pytest

from backpath.execution import snippets
from backpath.execution.docker_engine import LABEL_ROLE, SandboxSettings, SandboxUnavailable
from backpath.execution.snippets import SnippetRunner


@pytest.fixture(scope="module")
def runner() -> Iterator[SnippetRunner]:
    with SnippetRunner(image=SandboxSettings().app_image) as opened:
        yield opened


def leftovers() -> list[str]:
    client = docker.from_env()
    try:
        found = client.containers.list(all=True, filters={"label": f"{LABEL_ROLE}=snippet"})
        return [container.name for container in found]
    finally:
        client.close()


def test_a_runner_that_is_not_open_says_so() -> None:
    with pytest.raises(SandboxUnavailable, match="not open"):
        SnippetRunner(image="x").run_python("1", "")


@pytest.mark.docker
def test_output_errors_and_exit_code_are_kept_apart(runner: SnippetRunner) -> None:
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n"
    done = runner.run_python(code, "a.py")
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert leftovers() == []


@pytest.mark.docker
@pytest.mark.parametrize(
    ("title", "name"), [("demo.py", "demo.py"), ("../x.py", "snippet.py"), ("", "snippet.py")]
)
def test_code_is_a_file_with_the_name_its_title_gives(
    runner: SnippetRunner, title: str, name: str
) -> None:
    done = runner.run_python("import os\nprint(__file__, os.getcwd(), os.getuid())", title)
    assert done.stdout == f"/snippet/{name} /snippet 10002\n"


@pytest.mark.docker
def test_frameworks_of_the_course_are_there(runner: SnippetRunner) -> None:
    done = runner.run_python("import flask, fastapi, django, httpx, pydantic\nprint('ok')", "")
    assert (done.exit_code, done.stdout) == (0, "ok\n")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import socket\nsocket.create_connection(('192.0.2.1', 80), 3)",
            "Network is unreachable",
        ),
        ("open('/etc/x', 'w')", "Read-only file system"),
        ("open('/opt/backpath/x', 'w')", "Read-only file system"),
        ("import os\nos.setuid(0)", "Operation not permitted"),
        ("import os\n[os.fork() for _ in range(10_000)]", "Resource temporarily unavailable"),
    ],
)
def test_code_cannot_leave_its_container(runner: SnippetRunner, code: str, said: str) -> None:
    done = runner.run_python(code, "")
    assert done.exit_code not in {0, None}
    assert said in done.stderr


@pytest.mark.docker
def test_code_that_does_not_end_is_ended(
    runner: SnippetRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snippets, "DEADLINE_SECONDS", 3)
    done = runner.run_python("print('on', flush=True)\nwhile True: pass", "")
    assert (done.exit_code, done.stdout) == (None, "on\n")
    assert leftovers() == []


@pytest.mark.docker
def test_missing_image_is_said_plainly() -> None:
    with (
        pytest.raises(SandboxUnavailable, match=r"There is no image backpath/no-such"),
        SnippetRunner(image="backpath/no-such:image"),
    ):
        pytest.fail("opened a runner without an image")
