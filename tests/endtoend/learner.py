"""A learner with a browser, as far as HTTP goes."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx


def zip_of(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


class Learner:
    """Signs in, hands in, watches."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def _post_form(self, url: str, data: Mapping[str, str], **files: Any) -> httpx.Response:
        """Fill in the form of a page and send it, with the page's own token."""
        page = self.http.get(url)
        assert page.status_code == 200, page.text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        return self.http.post(
            url,
            data=dict(data) | {"csrfmiddlewaretoken": token[1]},
            headers={"Referer": str(self.http.base_url.join(url))},
            **files,
        )

    def sign_up(self, username: str, password: str) -> None:
        answer = self._post_form(
            "/accounts/signup/",
            {
                "username": username,
                "email": f"{username}@example.org",
                "password1": password,
                "password2": password,
            },
        )
        assert answer.status_code == 200, answer.text
        assert "sessionid" in self.http.cookies, answer.text

    def sign_in(self, username: str, password: str) -> None:
        self._post_form("/accounts/login/", {"login": username, "password": password})
        assert "sessionid" in self.http.cookies

    def upload(self, slug: str, archive: bytes, name: str = "work.zip") -> httpx.Response:
        """Upload an archive; returns the page that the browser ends up on."""
        return self._post_form(
            f"/projects/{slug}/submit/", {}, files={"files": (name, archive, "application/zip")}
        )

    def hand_in(self, slug: str, archive: bytes, name: str = "work.zip") -> str:
        """Upload an archive that is taken; returns the submission's id."""
        answer = self.upload(slug, archive, name)
        assert answer.status_code == 200, answer.text
        submission = re.search(r"/submissions/([0-9a-f-]{36})/", answer.url.path)
        assert submission, f"{answer.url}: {answer.text}"
        return submission[1]

    def status(self, submission: str) -> dict[str, Any]:
        answer = self.http.get(f"/submissions/{submission}/status.json")
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    def watch(
        self, submission: str, last_event_id: str = ""
    ) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
        """The events of the live page as they come: name, id and data."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        url = f"/submissions/{submission}/events/"
        with self.http.stream("GET", url, headers=headers, timeout=60) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream"
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    if "event" in fields:
                        yield fields["event"], fields.get("id"), json.loads(fields["data"])
                    fields = {}
