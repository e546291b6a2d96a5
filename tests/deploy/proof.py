"""Uses an installation the way a learner does, over HTTP, and insists on what must come out.

    python tests/deploy/proof.py URL             the whole way, from the first page to a report
    python tests/deploy/proof.py URL hand-in     hands the starter in, prints its address and stops
    python tests/deploy/proof.py URL await PATH  waits for the report of that submission

The learner's name and password are given by PROOF_USER and PROOF_PASSWORD.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "articles-rest"
REFERENCES = ("flask", "fastapi", "ninja")
DECIDE_SECONDS = 240


class Learner:
    """A browser of sorts: cookies, forms with their tokens, no redirects unseen."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, follow_redirects=True)

    def get(self, path: str) -> httpx.Response:
        """Fetch a page that must be there."""
        response = self._client.get(path)
        require(response.status_code == httpx.codes.OK, f"GET {path}: {response.status_code}")
        return response

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Send the form of a page, with the token that the page holds."""
        page = self.get(path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        require(token is not None, f"the page {path} has a form")
        fields = dict(body.pop("data", {})) | {"csrfmiddlewaretoken": token and token.group(1)}
        headers = {"Referer": str(self._client.base_url.join(path))}
        return self._client.post(path, data=fields, headers=headers, **body)

    def sign_up(self) -> None:
        """Make the account and be signed in with it."""
        name, password = os.environ["PROOF_USER"], os.environ["PROOF_PASSWORD"]
        fields = {"username": name, "email": f"{name}@example.org"}
        fields |= {"password1": password, "password2": password}
        response = self.post("/accounts/signup/", data=fields)
        require("/signup/" not in response.url.path, "signing up is accepted")
        require("/accounts/logout/" in self.get("/").text, "who signed up is signed in")

    def log_in(self) -> None:
        """Sign in with the account made before."""
        fields = {"login": os.environ["PROOF_USER"], "password": os.environ["PROOF_PASSWORD"]}
        response = self.post("/accounts/login/", data=fields)
        require("/login/" not in response.url.path, "logging in is accepted")

    def hand_in(self, filename: str, archive: bytes) -> httpx.Response:
        """Upload an archive by the project's form."""
        files = {"files": (filename, archive, "application/zip")}
        return self.post(f"/projects/{PROJECT}/submit/", files=files)

    def await_report(self, path: str) -> dict[str, Any]:
        """Wait until the submission at `path` is decided, and return its report."""
        deadline = time.monotonic() + DECIDE_SECONDS
        status: Any = None
        while time.monotonic() < deadline:
            response = self._client.get(f"{path}report.json")
            if response.status_code == httpx.codes.OK:
                report: dict[str, Any] = response.json()
                return report
            status = self._client.get(f"{path}status.json").json()
            require(status["state"]["status"] != "fault", f"grading works: {status}", aloud=False)
            time.sleep(1)
        raise SystemExit(f"FAILED: no report after {DECIDE_SECONDS} s: {status}")


def require(condition: object, what: str, *, aloud: bool = True) -> None:
    """Say what holds, or end the proof with what does not."""
    if not condition:
        raise SystemExit(f"FAILED: {what}")
    if aloud:
        print(f"  ok  {what}", flush=True)


def zipped(folder: Path) -> bytes:
    """The folder as a zip, everything below its own name, as a file manager packs it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, f"{folder.name}/{path.relative_to(folder)}")
    return buffer.getvalue()


def hostile() -> bytes:
    """A zip that wants to write outside of its folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "print()")
        archive.writestr("../../etc/cron.d/evil", "* * * * * root true")
    return buffer.getvalue()


def look_around(learner: Learner) -> None:
    """What anybody sees before signing in."""
    for path in ("/healthz", "/readyz"):
        require(learner.get(path).json() == {"status": "ok"}, f"{path} is ok")
    lesson = learner.get("/lessons/put-vs-patch/")
    require("<h1>PUT or PATCH</h1>" in lesson.text, "a lesson is served")
    policy = lesson.headers["content-security-policy"]
    require("unsafe" not in policy and "default-src 'self'" in policy, "under a strict policy")
    style = re.search(r'href="(/static/css/base[^"]+)"', lesson.text)
    require(style is not None and learner.get(style.group(1)).text, "with its styles")


def the_whole_way(learner: Learner) -> None:
    """From the first page to the reports of every reference, and of the starter."""
    look_around(learner)
    learner.sign_up()
    starter = learner.get(f"/projects/{PROJECT}/starter.zip").content
    require(zipfile.ZipFile(io.BytesIO(starter)).testzip() is None, "the starter is downloaded")

    refused = learner.hand_in("evil.zip", hostile())
    require(refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY, "a hostile zip is refused")
    words = "../../etc/cron.d/evil", "a path may not lead upwards with .."
    require(all(word in refused.text for word in words), "naming the file and the rule")

    for name in REFERENCES:
        archive = zipped(ROOT / "graders" / PROJECT / "reference" / name)
        report = graded(learner, f"{name}.zip", archive)
        points = (report["score"], report["max_score"], report["verdict"])
        require(points == (100, 100, "passed"), f"the {name} reference gets 100 of 100")
    report = graded(learner, "starter.zip", starter)
    require(report["score"] < 30, f"the starter gets {report['score']} of 100")
    require(report["verdict"] == "failed", "and has failed")
    listed = set(re.findall(r'"/submissions/[0-9a-f-]{36}/', learner.get("/submissions/").text))
    require(len(listed) == len(REFERENCES) + 1, "all attempts are listed")


def graded(learner: Learner, filename: str, archive: bytes) -> dict[str, Any]:
    """Hand in and wait; returns the report."""
    started = time.monotonic()
    response = learner.hand_in(filename, archive)
    require("/submissions/" in response.url.path, f"{filename} is taken")
    report = learner.await_report(re.sub(r"report/$", "", response.url.path))
    print(f"      graded after {time.monotonic() - started:.1f} s", flush=True)
    return report


def main() -> None:
    """Run the part that the command line asks for."""
    learner = Learner(sys.argv[1])
    match sys.argv[2:]:
        case []:
            the_whole_way(learner)
        case ["hand-in"]:
            learner.log_in()
            archive = zipped(ROOT / "graders" / PROJECT / "reference" / REFERENCES[0])
            # Other bytes than before, or it would be recognised as the same attempt.
            with zipfile.ZipFile(changed := io.BytesIO(archive), "a") as target:
                target.writestr(f"{REFERENCES[0]}/NOTE.md", str(time.time()))
            response = learner.hand_in("changed.zip", changed.getvalue())
            require("/submissions/" in response.url.path, "a changed archive is taken")
            print(response.url.path)
        case ["await", path]:
            learner.log_in()
            report = learner.await_report(re.sub(r"report/$", "", path))
            require(report["score"] == report["max_score"], "the report is there, with all points")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
