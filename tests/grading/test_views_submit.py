"""Handing in: every way to send files, every refusal, nothing lost."""

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.grading import jobs, views
from backpath.grading.models import GraderHeartbeat, GradingJob, Submission
from tests.grading.factories import make_assignment, make_bundle, make_submission, make_user
from tests.grading.fakes import FakeEngine
from tests.grading.page_checks import read_page, text_of

pytestmark = pytest.mark.django_db

APP = b"print('hello')\n"


@pytest.fixture
def learner() -> User:
    return make_user(username="mara")


@pytest.fixture
def assignment() -> Assignment:
    return make_assignment()


@pytest.fixture
def page(client: Client, learner: User, assignment: Assignment) -> "SubmitPage":
    client.force_login(learner)
    return SubmitPage(client, reverse("grading:submit", args=[assignment.slug]))


class SubmitPage:
    """The page with its form, as a browser uses it."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url

    def get(self) -> str:
        response = self.client.get(self.url)
        assert response.status_code == 200
        return response.content.decode()

    def send(self, *parts: tuple[str, str, bytes], **headers: Any) -> Any:
        """Post files as (field, file name, content), names sent as they are."""
        body = make_multipart(parts)
        content_type = "multipart/form-data; boundary=frontier"
        return self.client.post(self.url, data=body, content_type=content_type, **headers)


def make_multipart(
    parts: Iterable[tuple[str, str, bytes]], fields: Mapping[str, str] | None = None
) -> bytes:
    body = b"".join(
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields or {}).items()
    )
    for field, filename, content in parts:
        head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"'
        body += b"--frontier\r\n" + head.encode() + b"\r\n"
        body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    return body + b"--frontier--\r\n"


def make_zip(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def make_tar_gz(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def paths_of(submission: Submission) -> list[str]:
    return [file["path"] for file in submission.files]


def refusal_in(response: Any) -> str:
    html = response.content.decode()
    assert 'role="alert"' in html
    assert Submission.objects.count() == 0
    assert GradingJob.objects.count() == 0
    return text_of(html)


def test_the_page_says_what_it_takes_before_anything_is_sent(page: SubmitPage) -> None:
    html = page.get()
    text = text_of(html)
    assert "Hand in attempt 1" in text
    assert "at most 20 MB" in text
    assert "at most 2000" in text
    assert "80 %" in text
    assert "None yet." in text
    assert "starter.zip" in html
    assert 'enctype="multipart/form-data"' in html
    assert "webkitdirectory" in html


def test_without_a_grader_the_page_says_so_and_files_are_taken(page: SubmitPage) -> None:
    assert "No grader is available at the moment" in text_of(page.get())
    response = page.send(("files", "app.zip", make_zip({"app.py": APP})))
    assert response.status_code == 302
    assert Submission.objects.count() == 1
    assert "No grader is available" in text_of(
        page.client.get(response["Location"]).content.decode()
    )


def test_with_a_grader_there_is_no_notice(page: SubmitPage) -> None:
    GraderHeartbeat.objects.create(
        worker="w1", queues=["projects"], is_ok=True, seen_at=timezone.now()
    )
    assert "No grader is available" not in text_of(page.get())


def test_only_staff_learn_what_is_wrong_with_the_grader(page: SubmitPage, learner: User) -> None:
    GraderHeartbeat.objects.create(
        worker="w1",
        queues=["projects"],
        is_ok=False,
        message="dockerd does not answer",
        remedy="Start it.",
        seen_at=timezone.now(),
    )
    assert "dockerd does not answer" not in text_of(page.get())
    User.objects.filter(pk=learner.pk).update(is_staff=True)
    assert "dockerd does not answer Start it." in text_of(page.get())


@pytest.mark.parametrize(
    ("name", "pack"), [("app.zip", make_zip), ("app.tar.gz", make_tar_gz), ("app.tgz", make_tar_gz)]
)
def test_an_archive_becomes_a_queued_attempt(page: SubmitPage, name: str, pack: Any) -> None:
    response = page.send(("files", name, pack({"app.py": APP, "pkg/__init__.py": b""})))
    submission = Submission.objects.get()
    assert response["Location"] == reverse("grading:submission", args=[submission.pk])
    assert submission.source == Submission.Source.ARCHIVE
    assert paths_of(submission) == ["app.py", "pkg/__init__.py"]
    assert submission.jobs.get().state == GradingJob.State.QUEUED


def test_a_folder_keeps_its_paths_without_any_script(page: SubmitPage) -> None:
    page.send(
        ("files", "", b""),
        ("folder", "articles/app.py", APP),
        ("folder", "articles/store/db.py", b"x = 1\n"),
        ("folder", "articles/.venv/lib/big.py", b"y"),
    )
    submission = Submission.objects.get()
    assert submission.source == Submission.Source.FOLDER
    assert paths_of(submission) == ["app.py", "store/db.py"]
    text = text_of(
        page.client.get(reverse("grading:submission", args=[submission.pk])).content.decode()
    )
    assert "Left out, since tools make them: articles/.venv." in text
    assert "The folder articles around everything was taken off." in text


def test_several_files_are_taken_as_they_are(page: SubmitPage) -> None:
    page.send(("files", "app.py", APP), ("files", "Procfile", b"web: python app.py\n"))
    submission = Submission.objects.get()
    assert submission.source == Submission.Source.FILES
    assert paths_of(submission) == ["Procfile", "app.py"]


def test_one_file_that_is_no_archive_is_taken_as_a_file(page: SubmitPage) -> None:
    page.send(("files", "app.py", APP))
    assert Submission.objects.get().source == Submission.Source.FILES


def test_nothing_chosen(page: SubmitPage) -> None:
    response = page.send(("files", "", b""), ("folder", "", b""))
    assert response.status_code == 400
    assert "Choose an archive, some files or a folder first." in refusal_in(response)


def test_files_and_a_folder_at_once(page: SubmitPage) -> None:
    response = page.send(("files", "app.py", APP), ("folder", "work/app.py", APP))
    assert response.status_code == 400
    assert "Choose either files or a folder, not both." in refusal_in(response)


def test_a_refusal_names_the_file_and_the_rule(page: SubmitPage) -> None:
    response = page.send(("files", "app.zip", make_zip({"app.py": APP, "../../evil.py": APP})))
    assert response.status_code == 422
    text = refusal_in(response)
    assert "../../evil.py: a path may not lead upwards with .." in text
    assert "Nothing was stored and nothing is lost" in text


@pytest.mark.parametrize(
    "path", ["<script>alert(1)</script>.py", "a\u202egnp.py", 'x" onmouseover="alert(1).py']
)
def test_a_hostile_name_is_shown_as_text(page: SubmitPage, path: str) -> None:
    html = page.send(("files", "app.zip", make_zip({f"../{path}": APP}))).content.decode()
    read_page(html)
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert 'x" onmouseover' not in html


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.zip", b"PK\x03\x04 nothing more", "broken.zip"),
        ("work.rar", b"Rar!\x1a\x07", "archives are handed in as .zip, .tar.gz"),
        ("work.tar.xz", b"\xfd7zXZ\x00", "archives are handed in as .zip, .tar.gz"),
        ("empty.zip", make_zip({}), "there is no file in it"),
    ],
)
def test_other_refusals(page: SubmitPage, name: str, content: bytes, said: str) -> None:
    response = page.send(("files", name, content))
    assert response.status_code == 422
    assert said in refusal_in(response)


def test_a_refusal_keeps_the_earlier_attempts_in_sight(
    page: SubmitPage, learner: User, assignment: Assignment
) -> None:
    earlier = make_submission(learner=learner, assignment=assignment)
    jobs.run_job(job_id=jobs.request_job(earlier).pk, engine=FakeEngine(), worker_name="here")
    response = page.send(("files", "a.zip", make_zip({"/etc/passwd": APP})))
    assert response.status_code == 422
    html = response.content.decode()
    assert reverse("grading:submission", args=[earlier.pk]) in html
    assert "Attempt 1" in text_of(html)
    assert Submission.objects.count() == 1


def test_more_files_than_django_reads_get_a_message(page: SubmitPage) -> None:
    response = page.send(*[("folder", f"work/f{number}.py", b"x") for number in range(2_200)])
    assert response.status_code == 413
    text = refusal_in(response)
    assert "more than 2,000 files" in text
    assert ".venv, node_modules and .git" in text


def test_between_the_rule_and_djangos_limit_the_rule_speaks(page: SubmitPage) -> None:
    response = page.send(*[("folder", f"work/f{number}.py", b"x") for number in range(2_001)])
    assert response.status_code == 422
    assert "at most 2,000 files" in refusal_in(response)


def test_a_body_beyond_the_limit_is_not_read(page: SubmitPage) -> None:
    response = page.send(("files", "a.zip", b"x" * (23 * 1024 * 1024)))
    assert response.status_code == 413
    assert "larger than 20 MB" in refusal_in(response)


def test_a_body_that_ends_early_gets_a_message(page: SubmitPage) -> None:
    response = page.client.post(
        page.url, data=b"--frontier\r\nContent-Dispo", content_type="multipart/form-data"
    )
    assert response.status_code == 400
    assert "did not arrive whole" in refusal_in(response)


def test_identical_files_are_recognised_with_a_link(page: SubmitPage) -> None:
    archive = make_zip({"app.py": APP})
    page.send(("files", "app.zip", archive))
    response = page.send(("files", "renamed.zip", archive))
    assert response["Location"] == page.url
    html = page.get()
    assert "exactly the files of attempt 1, so no new attempt was made" in text_of(html)
    assert reverse("grading:submission", args=[Submission.objects.get().pk]) in html
    assert GradingJob.objects.count() == 1


def test_files_that_failed_by_our_fault_are_graded_once_more(
    page: SubmitPage, settings: Any
) -> None:
    settings.BACKPATH_MAX_JOBS_PER_SUBMISSION = 1
    archive = make_zip({"app.py": APP})
    page.send(("files", "app.zip", archive))
    job = GradingJob.objects.get()
    jobs.run_job(job_id=job.pk, engine=FakeEngine(RuntimeError("disk")), worker_name="here")
    response = page.send(("files", "app.zip", archive))
    submission = Submission.objects.get()
    assert response["Location"] == reverse("grading:submission", args=[submission.pk])
    assert submission.jobs.count() == 2
    assert "failed by our fault" in text_of(page.client.get(response["Location"]).content.decode())


def test_too_many_waiting(page: SubmitPage, settings: Any) -> None:
    settings.BACKPATH_MAX_QUEUED_SUBMISSIONS = 1
    page.send(("files", "a.py", b"1"))
    response = page.send(("files", "a.py", b"2"))
    assert response.status_code == 429
    assert "1 of your submissions are waiting already" in text_of(response.content.decode())
    assert Submission.objects.count() == 1


def test_the_token_against_forgery_is_required(learner: User, assignment: Assignment) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    page = SubmitPage(client, reverse("grading:submit", args=[assignment.slug]))
    token = page.get().split('name="csrfmiddlewaretoken" value="')[-1].split('"')[0]
    assert page.send(("files", "app.py", APP)).status_code == 403
    assert Submission.objects.count() == 0
    body = make_multipart([("folder", "w/app.py", APP)], {"csrfmiddlewaretoken": token})
    response = client.post(
        page.url, data=body, content_type="multipart/form-data; boundary=frontier"
    )
    assert response.status_code == 302
    assert Submission.objects.count() == 1


def test_visitors_are_sent_to_log_in_and_back(client: Client, assignment: Assignment) -> None:
    url = reverse("grading:submit", args=[assignment.slug])
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"].endswith(f"?next={url}")


def test_retired_and_unknown_assignments(page: SubmitPage, assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(is_published=False)
    assert page.client.get(page.url).status_code == 404
    assert page.client.get(reverse("grading:submit", args=["no-such"])).status_code == 404


def test_attempts_of_others_are_not_shown(page: SubmitPage, assignment: Assignment) -> None:
    other = make_submission(assignment=assignment)
    jobs.request_job(other)
    html = page.get()
    assert str(other.pk) not in html
    assert "None yet." in text_of(html)


def test_limits_and_ignored_folders_reach_the_script(page: SubmitPage) -> None:
    html = page.get()
    assert f'data-max-bytes="{views.LIMITS.packed_bytes}"' in html
    assert "&quot;node_modules&quot;" in html


def test_a_bundle_of_the_same_files_packed_otherwise_is_identical(
    page: SubmitPage, learner: User, assignment: Assignment
) -> None:
    earlier = make_submission(
        learner=learner, assignment=assignment, bundle=make_bundle({"app.py": APP})
    )
    jobs.request_job(earlier)
    page.send(("files", "app.tar.gz", make_tar_gz({"work/app.py": APP})))
    assert Submission.objects.get() == earlier
